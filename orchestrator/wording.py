"""Words numbers and lists of names for messages."""

from collections.abc import Sequence


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 step`, `2,548 steps`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def some_of(names: Sequence[str], shown: int = 5) -> str:
    """Return the first few names, and the number of the others."""
    rest = len(names) - shown
    listed = ", ".join(names[:shown])
    return f"{listed} and {rest:,} more" if rest > 0 else listed
