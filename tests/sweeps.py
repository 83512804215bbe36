"""How much of a wide sweep runs: the smoke lane of `make test`, one slice for a commit, or all of it.

The variable `SWEEP` says which: unset for the smoke lane, `whole` for `make proof`, and `3/24` for the fourth of 24
slices. All slices together run every case.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Case = TypeVar("Case")


@dataclass(frozen=True, slots=True)
class Sweep:
    """The share of every sweep that runs in this process."""

    index: int = 0
    of: int = 1
    is_smoke: bool = False

    @classmethod
    def from_environment(cls) -> "Sweep":
        """Return the share that `SWEEP` names; raises ValueError if it names none."""
        return cls.parse(os.environ.get("SWEEP", ""))

    @classmethod
    def parse(cls, text: str) -> "Sweep":
        """Return the share that a text names."""
        if not text:
            return cls(is_smoke=True)
        if text == "whole":
            return cls()
        index, slash, of = text.partition("/")
        if not (slash and index.isdecimal() and of.isdecimal() and int(index) < int(of)):
            raise ValueError(f"SWEEP is {text!r}; it is unset, `whole`, or `i/n` with i from 0 to n - 1")
        return cls(int(index), int(of))

    def share(self, cases: Sequence[Case], *, smoke: int) -> list[Case]:
        """Return the cases that run: all, those of the slice, or about `smoke` of them, spread over the whole list."""
        if self.is_smoke:
            return list(cases[:: max(1, len(cases) // smoke)])
        return list(cases[self.index :: self.of])


SWEEP = Sweep.from_environment()
