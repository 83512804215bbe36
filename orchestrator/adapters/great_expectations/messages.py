"""What the owner and the child say to each other: values that survive JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Judge one relation by the expectations of one suite, as they stand in its JSON."""

    database: str | None
    schema: str
    table: str
    expectations: tuple[Mapping[str, object], ...]
    suite_parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What great-expectations says of one expectation."""

    type: str
    kwargs: Mapping[str, object]
    severity: str
    description: str = ""
    success: bool = False
    error: str = ""
    """Why it could not be evaluated; empty when it was."""
    observed: object = None
    unexpected_count: int | None = None
    unexpected_percent: float | None = None
    sample: tuple[object, ...] = ()
    details: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The verdicts of one suite, in the order of its expectations, or why there are none."""

    verdicts: tuple[Verdict, ...] = ()
    error: str = ""
