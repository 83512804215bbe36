"""Defines the limits on how many steps run at once: of lanes, which are kinds of steps, and of pools."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Lane(StrEnum):
    """A group of steps with one limit on how many run at once."""

    DBT = "dbt"
    INGEST = "ingest"
    VALIDATE = "validate"
    LIGHT = "light"  # one cheap query to the warehouse
    OWN = "own"  # steps of one's own, which mostly wait for something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The number of steps of each lane, and of each pool, that may run at once."""

    dbt: int = 4
    ingest: int = 2
    validate: int = 1
    light: int = 2
    own: int = 8
    pools: Mapping[str, int] = field(default_factory=dict)
    """A step in a pool needs a free slot of the pool besides that of its lane."""

    def __post_init__(self) -> None:
        for lane in Lane:
            if self.of(lane) < 1:
                raise ValueError(f"the limit of lane {lane} is {self.of(lane)}: no step of it could ever run")
        if closed := sorted(name for name, most in self.pools.items() if most < 1):
            raise ValueError(f"the limit of pool {closed[0]} is below 1: no step in it could ever run")

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
            case Lane.OWN:
                return self.own
