"""Defines dbt's options of one command as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtFlags:
    """What dbt's options, variables and project flags mean for one command, as far as elt decides by them."""

    profiles_dir: Path
    vars: Mapping[str, object] = field(default_factory=dict)
    """`--vars`; may contain secrets."""
    fail_fast: bool = False
    full_refresh: bool = False
    empty: bool = False
    sample: str = ""
    """The period of `--sample`; empty without it."""
    event_time_start: str = ""
    event_time_end: str = ""
    defer: bool = False
    store_failures: bool = False
    """Whether data tests keep the rows that they find, unless their configuration says otherwise."""
    warns_are_errors: bool = False
    """Whether dbt counts a warning of a check as a failure."""
    skip_nodes_if_on_run_start_fails: bool = False
    source_freshness_run_project_hooks: bool = False

    def given(self, *names: str) -> tuple[str, ...]:
        """Return those of these flags that are set."""
        return tuple(name for name in names if getattr(self, name))
