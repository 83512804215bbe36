"""Converts a question, and its answer, to JSON and back: another process asks."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar

from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from orchestrator.conditions.answer import Answer
from orchestrator.conditions.condition import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A condition, and where it is asked."""

    condition: Condition
    folder: Path
    """The folder at which relative paths of files start."""
    seconds: int = 30
    """How long the answer may take."""
    project: Path | None = None
    """The folder of the dbt project, if it was named."""
    profiles: Path | None = None
    dbt_options: tuple[str, ...] = ()
    """dbt's options that say what the target is."""


_Value = TypeVar("_Value", AskedQuestion, Answer)


def to_line(value: AskedQuestion | Answer) -> str:
    """Return a question or an answer as JSON."""
    return _converter().dumps(value)


def from_line(text: str, kind: type[_Value]) -> _Value:
    """Return the value that `to_line` wrote; raises ValueError for any other text."""
    try:
        return _converter().loads(text, kind)
    except Exception as error:  # cattrs raises exception groups of any kind of error
        raise ValueError("this is neither a question nor an answer") from error


@cache
def _converter() -> JsonConverter:
    converter = make_converter()
    converter.register_unstructure_hook(timedelta, lambda span: span.total_seconds())
    converter.register_structure_hook(timedelta, lambda seconds, _kind: timedelta(seconds=seconds))
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda path, _kind: Path(path))
    configure_tagged_union(Condition, converter, tag_name="kind")
    return converter
