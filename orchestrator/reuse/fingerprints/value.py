"""The fingerprint of a node: named parts, each a digest, and one digest of all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.digest import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something found in a text: what, and where."""

    what: str
    path: str
    line: int = 0
    """0 when it is no line of a file."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{self.what} ({place})" if place else self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceVersion:
    """What tells one state of a dbt source's table from another."""

    rows: str
    """Changes whenever its rows or columns change, the columns that dlt adds aside."""
    ids: str = ""
    """Changes whenever the columns that dlt adds change; empty where there are none."""


@dataclass(frozen=True, kw_only=True)
class PartGroup:
    """Parts that many fingerprints share, such as all macros that one macro reaches: hashed and stored once."""

    parts: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """The digest of all parts."""
        return _digest_of_parts(self.parts)


class Parts(Mapping[str, str]):
    """The parts of one fingerprint: its own, and those of the groups that it shares with others."""

    __slots__ = ("groups", "own")

    def __init__(self, own: Mapping[str, str], groups: tuple[PartGroup, ...] = ()) -> None:
        self.own = own
        self.groups = groups

    @property
    def digest(self) -> str:
        """The digest of all parts, at the cost of its own."""
        groups = sorted({group.digest for group in self.groups})
        return _digest_of_parts(self.own) if not groups else digest_of([_digest_of_parts(self.own), groups])

    def flat(self) -> dict[str, str]:
        """Return every part by its name; the own parts override those of groups."""
        found: dict[str, str] = {}
        for group in self.groups:
            found |= dict(group.parts)
        return {**found, **self.own}

    def with_own(self, own: Mapping[str, str]) -> "Parts":
        """Return parts with other own ones and the same groups."""
        return Parts(own, self.groups)

    def __getitem__(self, name: str) -> str:
        if name in self.own:
            return self.own[name]
        for group in self.groups:
            if name in group.parts:
                return group.parts[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.flat())

    def __len__(self) -> int:
        return len(self.flat())

    def __bool__(self) -> bool:
        return bool(self.own or self.groups)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Parts) and self.digest == other.digest:
            return True
        return isinstance(other, Mapping) and self.flat() == dict(other)

    __hash__ = None  # type: ignore[assignment]  # as any mapping

    def __repr__(self) -> str:
        return f"Parts({self.flat()!r})"


NO_PARTS = Parts({})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementVerdict:
    """What the compiled statement of a node depends on, as it was found when the node was built."""

    code: str = ""
    """The digest of the statement."""
    findings: tuple[str, ...] = ()
    """What is not understood in it, in words."""
    volatile: tuple[str, ...] = ()
    """What is known to return another result each time, in words."""
    calls: frozenset[str] = frozenset()
    """Every function that it calls, in lower case."""
    stored: Mapping[str, str] = field(default_factory=dict)
    """Those of them that are stored in the database, each with the digest of its definition."""
    sees_all_columns: bool = True
    """Whether it may read the columns that dlt adds to a loaded table."""

    @property
    def is_understood(self) -> bool:
        """Whether the same inputs give the same result."""
        return not self.findings and not self.volatile


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What the result of one node follows from.

    A part is called by its kind and what it is of: `code`, `config:materialized`, `macro:macro.shop.cents`,
    `var:start_date`, `env:REGION`, `parent:model.shop.stg_orders`.
    """

    node: NodeId
    rendered: Mapping[str, str] = field(default_factory=lambda: NO_PARTS)
    """Digests of what shows in the compiled SQL: where only these differ, compiling settles it."""
    built: Mapping[str, str] = field(default_factory=lambda: NO_PARTS)
    """Digests of everything else; a part that is in both counts as one of these."""
    compiled: str | None = None
    """The digest of the normalised compiled code, when that is known."""
    unknown: frozenset[NodeId] = frozenset()
    """The dbt sources among its parents whose data have no version."""
    volatile: Finding | None = None
    """What gives another result each time, whatever the fingerprint says."""
    at_run_time: Finding | None = None
    """What asks the warehouse while the node is compiled: its SQL is known only when its parents have finished."""
    not_understood: tuple[Finding, ...] = ()
    """What is on no list of things whose effect is known."""
    is_declared: bool = False
    """Whether the project declares the node deterministic, so that what is not understood does not count."""
    has_statement: bool = False
    """Whether it has a compiled SQL statement, which must be understood too."""
    statement: StatementVerdict | None = None
    """The verdict on that statement, once it was compiled."""

    @property
    def parts(self) -> dict[str, str]:
        """Every part by its name."""
        return {**_flat(self.rendered), **_flat(self.built)}

    @property
    def digest(self) -> str:
        """The digest of all parts."""
        return digest_of([_parts(self.rendered).digest, _parts(self.built).digest])

    def with_statement(self, statement: StatementVerdict | None) -> "Fingerprint":
        """Return the fingerprint with the verdict on its compiled statement."""
        return self if statement is None else replace(self, statement=statement)


def _parts(parts: Mapping[str, str]) -> Parts:
    return parts if isinstance(parts, Parts) else Parts(parts)


def _flat(parts: Mapping[str, str]) -> Mapping[str, str]:
    return parts.flat() if isinstance(parts, Parts) else parts


def _digest_of_parts(parts: Mapping[str, str]) -> str:
    return digest_of("\n".join(f"{name} {part}" for name, part in sorted(parts.items())))
