"""Removes the tag with which dbt begins the text of a warning; elt shows by itself that it is one."""

import re

_TAG = re.compile(r"^(?:\x1b\[\d+m)?\[(?:\x1b\[\d+m)?WARNING(?:\x1b\[\d+m)?\](?:\x1b\[\d+m)?: ", re.MULTILINE)


def without_tag(text: str) -> str:
    """Return the text of a warning without `[WARNING]: ` at the beginning of its lines, with or without colours."""
    return _TAG.sub("", text)
