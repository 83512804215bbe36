"""The fingerprint of a node: named parts, each with a digest, and one digest of all parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.digest import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something found in a text, with its place."""

    what: str
    path: str
    line: int = 0
    """0 if it is not a line of a file."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{self.what} ({place})" if place else self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceVersion:
    """Identifies one state of the rows of a dbt source's table."""

    rows: str
    """Changes whenever the rows or columns change, except for the columns that dlt adds."""
    ids: str = ""
    """Changes whenever the columns that dlt adds change; empty if there are none."""


@dataclass(frozen=True, kw_only=True)
class PartGroup:
    """Parts that many fingerprints share, such as all macros that one macro can reach. Hashed and stored once."""

    parts: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """The digest of all parts."""
        return _digest_of_parts(self.parts)


class Parts(Mapping[str, str]):
    """The parts of one fingerprint: its own, and those of groups that it shares with other fingerprints."""

    __slots__ = ("_digest", "groups", "own")

    def __init__(self, own: Mapping[str, str], groups: tuple[PartGroup, ...] = ()) -> None:
        """Set the parts, which do not change from then on."""
        self.own = own
        self.groups = groups
        self._digest: str | None = None

    @property
    def digest(self) -> str:
        """The digest of all parts, which is computed once."""
        if self._digest is None:
            # Sorted, and each once: the order in which macros are found must not change the digest.
            groups = sorted({group.digest for group in self.groups})
            own = _digest_of_parts(self.own)
            self._digest = digest_of([own, groups]) if groups else own
        return self._digest

    def flat(self) -> dict[str, str]:
        """Return every part by name; own parts override those of groups."""
        found: dict[str, str] = {}
        for group in self.groups:
            found |= dict(group.parts)
        return {**found, **self.own}

    def with_own(self, own: Mapping[str, str]) -> "Parts":
        """Return parts with these own parts and the same groups."""
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
        if isinstance(other, Parts) and self.digest == other.digest:  # the common case, without flattening the groups
            return True
        return isinstance(other, Mapping) and self.flat() == dict(other)

    __hash__ = None  # type: ignore[assignment]  # as any mapping

    def __repr__(self) -> str:
        return f"Parts({self.flat()!r})"


NO_PARTS = Parts({})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementVerdict:
    """What the compiled statement of a node depended on when the node was built."""

    code: str = ""
    """The digest of the statement's text."""
    findings: tuple[str, ...] = ()
    """What is not understood in it, in words."""
    volatile: tuple[str, ...] = ()
    """What is known to return a different result each time, in words."""
    deferred: tuple[str, ...] = ()
    """The relations that it reads elsewhere, in place of nodes of this target (`--defer`)."""
    calls: frozenset[str] = frozenset()
    """Every function that it calls, in lower case."""
    stored: Mapping[str, str] = field(default_factory=dict)
    """The digests of the definitions of those that are stored in the database, by name."""
    sees_all_columns: bool = True
    """Whether it may read the columns that dlt adds to a loaded table."""

    @property
    def is_understood(self) -> bool:
        """Whether the same inputs give the same result."""
        return not (self.findings or self.volatile or self.deferred)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Everything that determines the result of one node.

    The name of a part is its kind and its subject: `code`, `config:materialized`, `macro:macro.shop.cents`,
    `var:start_date`, `env:REGION`, `parent:model.shop.stg_orders`.
    """

    node: NodeId
    rendered: Mapping[str, str] = field(default_factory=lambda: NO_PARTS)
    """Digests of inputs that show in the compiled SQL. If only these differ, comparing the compiled SQL decides."""
    built: Mapping[str, str] = field(default_factory=lambda: NO_PARTS)
    """Digests of all other inputs. A part that is in both mappings counts as one of these."""
    compiled: str | None = None
    """The digest of the normalized compiled code, if it is known."""
    unknown: frozenset[NodeId] = frozenset()
    """The dbt sources among its parents whose data has no version."""
    volatile: Finding | None = None
    """What returns a different result each time, even for the same fingerprint."""
    at_run_time: Finding | None = None
    """What queries the warehouse while the node compiles. Its SQL is known only after its parents have finished."""
    not_understood: tuple[Finding, ...] = ()
    """What is on none of the lists of things with a known effect."""
    is_declared: bool = False
    """Whether the project declares the node deterministic. What is not understood is then ignored."""
    has_statement: bool = False
    """Whether it has a compiled SQL statement, which must also be understood."""
    statement: StatementVerdict | None = None
    """The verdict on that statement; None until it is compiled."""

    @property
    def parts(self) -> dict[str, str]:
        """Every part by name."""
        return {**_flat(self.rendered), **_flat(self.built)}

    @property
    def digest(self) -> str:
        """The digest of all parts."""
        # Without `compiled`, which is known only where compiling was needed. A marker must have the same digest either
        # way.
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
