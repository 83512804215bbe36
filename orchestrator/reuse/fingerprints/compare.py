"""Decides whether two fingerprints of a node are the same, differ, or cannot be compared without compiling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.normal_sql import normal_sql
from orchestrator.reuse.fingerprints.python_code import normal_python
from orchestrator.reuse.fingerprints.value import Fingerprint

DATABASE_SETTING = "setting:database-"
"""The prefix of the parts for the database's settings, which every node has."""


class ComparisonVerdict(StrEnum):
    """The result of comparing two fingerprints."""

    SAME = "same"
    DIFFERENT = "different"
    NEEDS_COMPILING = "needs_compiling"
    """They differ only in parts that show in the compiled code, and that is not known for both."""


class How(StrEnum):
    """How a part changed."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A part that changed."""

    part: str
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The verdict, and every part that differs, even if the verdict is that they are the same."""

    verdict: ComparisonVerdict
    changes: tuple[Change, ...] = ()


def without_new_settings(changes: Sequence[Change]) -> Iterator[Change]:
    """Yield the changes without the settings that come or go with another release of the database."""
    is_upgraded = any(change.part == "adapter" for change in changes)
    for change in changes:
        if not (is_upgraded and change.part.startswith(DATABASE_SETTING) and change.how is not How.CHANGED):
            yield change


def compare(now: Fingerprint, then: Fingerprint) -> Comparison:
    """Compare a node's fingerprint with an earlier one of the same node."""
    if now.digest == then.digest:  # the common case, without flattening the groups
        return Comparison(verdict=ComparisonVerdict.SAME)
    changes = tuple(_changes(now.parts, then.parts))
    if not changes:
        return Comparison(verdict=ComparisonVerdict.SAME)
    # Such a part does not show in the compiled code, so comparing that would prove nothing.
    if any(change.part in now.built or change.part in then.built for change in changes):
        verdict = ComparisonVerdict.DIFFERENT
    elif now.compiled is None or then.compiled is None:
        verdict = ComparisonVerdict.NEEDS_COMPILING
    else:
        verdict = ComparisonVerdict.SAME if now.compiled == then.compiled else ComparisonVerdict.DIFFERENT
    return Comparison(verdict=verdict, changes=changes)


def with_compiled(fingerprint: Fingerprint, code: str | None, *, adapter: str, language: str = "sql") -> Fingerprint:
    """Return the fingerprint with the digest of the compiled code, ignoring layout and comments."""
    if code is None:
        return fingerprint
    return replace(fingerprint, compiled=code_digest(code, adapter=adapter, language=language))


def code_digest(code: str, *, adapter: str, language: str = "sql") -> str:
    """Return the digest of compiled code, ignoring layout and comments."""
    return digest_of(normal_python(code) if language == "python" else normal_sql(code, adapter))


def _changes(now: dict[str, str], then: dict[str, str]) -> list[Change]:
    found = []
    for part in sorted(now.keys() | then.keys()):
        if part not in then:
            found.append(Change(part=part, how=How.ADDED))
        elif part not in now:
            found.append(Change(part=part, how=How.REMOVED))
        elif now[part] != then[part]:
            found.append(Change(part=part, how=How.CHANGED))
    return found
