"""Finds what the outcome of a template depends on besides its text, without evaluating it."""

import re

from orchestrator.reuse.fingerprints.reading_value import NOTHING, Found, TextReading

__all__ = ["NOTHING", "Found", "TextReading", "argument_template", "read_argument", "read_template"]

_LOOKS_CALLED = re.compile(r"^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$")
"""The pattern of dbt's `add_rendered_test_kwargs`."""


def read_template(text: str) -> TextReading:
    """Return the reading of a template: SQL with Jinja."""
    if "{" not in text:
        return NOTHING
    from orchestrator.reuse.fingerprints.template import read_syntax  # Jinja is loaded only if there is a template

    return read_syntax(text)


def argument_template(text: str) -> str:
    """Return the argument of a generic test as a template: dbt evaluates `ref('x')` or `var('x')` without braces."""
    return f"{{{{ {text} }}}}" if _LOOKS_CALLED.match(text) else text


def read_argument(text: str) -> TextReading:
    """Return the reading of a generic test's argument."""
    return read_template(argument_template(text))
