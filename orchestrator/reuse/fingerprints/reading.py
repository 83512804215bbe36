"""Reads off a template what its outcome depends on beyond its text, without evaluating it."""

import re

from orchestrator.reuse.fingerprints.reading_value import NOTHING, Found, Reading

__all__ = ["NOTHING", "Found", "Reading", "read_argument", "read_template"]

_LOOKS_CALLED = re.compile(r"^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$")
"""As in dbt's `add_rendered_test_kwargs`."""


def read_template(text: str) -> Reading:
    """Read a template: SQL with Jinja in it."""
    if "{" not in text:
        return NOTHING
    from orchestrator.reuse.fingerprints.template import read_syntax  # Jinja is loaded only where there is a template

    return read_syntax(text)


def read_argument(text: str) -> Reading:
    """Read an argument of a generic test: dbt evaluates `ref('x')`, `var('x')` and the like without braces too."""
    return read_template(f"{{{{ {text} }}}}" if _LOOKS_CALLED.match(text) else text)
