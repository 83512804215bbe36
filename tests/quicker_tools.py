"""Saves time in a process that runs many projects: what was read of a text once is not read again."""

import json
from collections.abc import Iterable
from functools import cache
from typing import IO, Any


def make_quicker() -> None:
    """Read and parse a macro once in a process, whatever project it is in."""
    from dbt_common.tests import enable_test_caching

    from orchestrator.reuse.fingerprints import text_readings

    enable_test_caching()  # dbt's own means for tests
    json.dump = _dump
    if not hasattr(text_readings.read_template, "cache_info"):
        # A run reads each text once. What it finds depends on nothing but the text, and most texts are dbt's macros.
        text_readings.read_template = cache(text_readings.read_template)


def _dump(value: Any, file: IO[str], **options: Any) -> None:
    """Write the same text at once, which C makes; `json.dump` makes its pieces in Python, and dbt writes a manifest."""
    file.write(json.dumps(value, **options))


def read_macros(texts: Iterable[str]) -> None:
    """Read macros before processes are forked that need what is found."""
    from orchestrator.reuse.fingerprints import text_readings

    for text in texts:
        text_readings.read_template(text)
