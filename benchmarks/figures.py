"""Medians and ratios of measured runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of one contender."""

    seconds: float
    cpu_seconds: float
    """Of the process and of the children it waited for; steadier than wall time where others use the machine."""
    peak_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The counted runs of one contender, in the order of the rounds."""

    name: str
    runs: tuple[Measured, ...]

    @property
    def seconds(self) -> float:
        """The median wall time."""
        return median(run.seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        """The median time of the processors."""
        return median(run.cpu_seconds for run in self.runs)

    @property
    def peak_mb(self) -> float:
        """The median peak of memory."""
        return median(run.peak_mb for run in self.runs)


def ratio(ours: Series, theirs: Series) -> float:
    """Give the median of the ratios of wall time, pair by pair: what slows a whole round down cancels out."""
    return median_of_ratios([run.seconds for run in ours.runs], [run.seconds for run in theirs.runs])


def median_of_ratios(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Divide pair by pair and give the median."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def leased(name: str, parts: Sequence[Series]) -> Series:
    """Add up contenders that run one after the other: their seconds sum, their peak is the highest of them."""
    rounds = zip(*(part.runs for part in parts), strict=True)
    return Series(
        name=name,
        runs=tuple(
            Measured(
                seconds=sum(run.seconds for run in one),
                cpu_seconds=sum(run.cpu_seconds for run in one),
                peak_mb=max(run.peak_mb for run in one),
            )
            for one in rounds
        ),
    )
