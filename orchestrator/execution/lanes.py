"""Defines lanes: groups of steps that share a limit because the same tool or the same resource runs them."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.plan.step import IngestStep, Step, ValidationStep, is_dbt


class Lane(StrEnum):
    """A group of steps with one runner and one limit on how many run at once."""

    DBT = "dbt"
    INGEST = "ingest"
    VALIDATE = "validate"
    LIGHT = "light"  # one cheap query to the warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The number of steps of each lane that may run at once."""

    dbt: int = 4
    ingest: int = 2
    validate: int = 1
    light: int = 2

    def __post_init__(self) -> None:
        for lane in Lane:
            if self.of(lane) < 1:
                raise ValueError(f"the limit of lane {lane} is {self.of(lane)}: no step of it could ever run")

    def of(self, lane: Lane) -> int:
        """Return the limit of one lane."""
        match lane:
            case Lane.DBT:
                return self.dbt
            case Lane.INGEST:
                return self.ingest
            case Lane.VALIDATE:
                return self.validate
            case Lane.LIGHT:
                return self.light


def lane_of(step: Step) -> Lane:
    """Return the lane that runs the step."""
    if is_dbt(step):
        return Lane.DBT
    match step:
        case IngestStep():
            return Lane.INGEST
        case ValidationStep():
            return Lane.VALIDATE
        case _:
            return Lane.LIGHT
