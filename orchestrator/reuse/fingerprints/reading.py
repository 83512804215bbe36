"""Finds what the outcome of a template depends on besides its text, without evaluating it."""

import re

from orchestrator.reuse.fingerprints.reading_value import NOTHING, Found, TextReading

__all__ = ["NOTHING", "Found", "TextReading", "read_argument", "read_template"]

_LOOKS_CALLED = re.compile(r"^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$")
"""The pattern of dbt's `add_rendered_test_kwargs`."""


def read_template(text: str) -> TextReading:
    """Return the reading of a template: SQL with Jinja."""
    if "{" not in text:
        return NOTHING
    from orchestrator.reuse.fingerprints.template import read_syntax  # Jinja is loaded only if there is a template

    return read_syntax(text)


def read_argument(text: str) -> TextReading:
    """Return the reading of a generic test's argument: dbt evaluates `ref('x')` or `var('x')` even without braces."""
    return read_template(f"{{{{ {text} }}}}" if _LOOKS_CALLED.match(text) else text)
