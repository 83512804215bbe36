"""Words numbers and lists of names for messages, and shortens texts."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 step`, `2,548 steps`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def some_of(names: Sequence[str], shown: int = 5) -> str:
    """Return the first few names, and the number of the others."""
    rest = len(names) - shown
    listed = ", ".join(names[:shown])
    return f"{listed} and {rest:,} more" if rest > 0 else listed


def shortened(text: str, longest: int) -> str:
    """Return at most `longest` characters of a text, with `…` in place of the rest: the masker looks there."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def last_part(text: str, longest: int) -> str:
    """Return at most the last `longest` characters of a text, with `…` in place of what was before."""
    return text if len(text) <= longest else f"…{text[1 - longest :]}"


def similar(word: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Return the known names that are similar to a word, the most similar first; upper and lower case are equal."""
    spelled: dict[str, str] = {}
    for name in known:
        spelled.setdefault(name.casefold(), name)
    return tuple(spelled[name] for name in get_close_matches(word.casefold(), spelled, n=most))


def did_you_mean(names: Iterable[str]) -> str:
    """Return the question that suggests names: `Did you mean 'a', 'b' or 'c'?`; empty without a name."""
    *others, last = [f"'{name}'" for name in names] or [""]
    return f"Did you mean {', '.join(others)}{' or ' if others else ''}{last}?" if last else ""


def spell(seconds: float) -> str:
    """Return a duration in its two largest units: `3 d 4 h`, `12 min`, `5 s`."""
    left = max(0, int(seconds))
    words = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}")
        elif words:
            break
    return " ".join(words[:2]) or "0 s"
