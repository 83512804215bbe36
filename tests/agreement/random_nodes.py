"""The parts of a random dbt project as values: what is drawn, before it is written as files."""

from dataclasses import dataclass
from enum import StrEnum

ROOT, PACKAGE = "drawn", "extras"


class Kind(StrEnum):
    """What a drawn node is."""

    SOURCE = "source"
    SEED = "seed"
    VIEW = "view"
    TABLE = "table"
    INCREMENTAL = "incremental"
    EPHEMERAL = "ephemeral"
    SNAPSHOT = "snapshot"


class Defect(StrEnum):
    """What is wrong with a part of the project."""

    SQL = "the database refuses its SQL"
    JINJA = "its Jinja fails when it runs"
    PYTHON = "its Jinja divides by zero when it runs"
    PRE_HOOK = "its pre-hook fails"
    POST_HOOK = "its post-hook fails"
    CONTRACT = "it breaks its contract"
    MISSING = "its raw table is not there"
    COLUMN_TYPE = "its rows do not fit its column type"
    SAYS_NO = "its check says no"
    GIVEN = "what it is given cannot be read"


MODELS = frozenset({Kind.VIEW, Kind.TABLE, Kind.INCREMENTAL, Kind.EPHEMERAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A source table, seed, model or snapshot."""

    name: str
    kind: Kind
    package: str = ROOT
    parents: tuple[str, ...] = ()
    """Names of nodes that were drawn before."""
    united: bool = False
    """Whether it keeps all rows of its parents, so that an id can occur twice."""
    variant: str = ""
    """Of an incremental model dbt's strategy; of a snapshot `sql` or `yaml`, as it is written."""
    versions: int = 0
    """How many versions there are; 0 for a model without."""
    pinned: bool = False
    """Whether it refers to version 1 of its versioned parents rather than to the latest."""
    alias: bool = False
    schema: str | None = None
    tag: str | None = None
    folder: str = "a"
    enabled: bool = True
    contract: bool = False
    hooked: bool = False
    defect: Defect | None = None

    @property
    def is_model(self) -> bool:
        """Whether it is a model."""
        return self.kind in MODELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a data test warns and when it fails."""

    severity: str = "error"
    warn_if: str | None = None
    error_if: str | None = None
    fail_calc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTest:
    """A generic data test on a column of a node."""

    node: str
    column: str
    kind: str
    limits: Limits
    to: str | None = None
    """The other node of a relationships test."""
    where: str | None = None
    limit: int | None = None
    stored: str | None = None
    """Whether failing rows are kept as a table or as a view."""
    tag: str | None = None
    defect: Defect | None = None

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.kind} of {self.node}.{self.column}{f' to {self.to}' if self.to else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SingularTest:
    """A data test written as a query over some nodes, or over none."""

    name: str
    parents: tuple[str, ...]
    limits: Limits
    rows: int
    """How many rows say no, where it says no."""
    defect: Defect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTest:
    """A unit test of a model."""

    name: str
    model: str
    defect: Defect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A hook around the run; both packages have one of each."""

    package: str
    when: str
    """`start` or `end`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the project is run."""

    options: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    again: bool = False
    """Whether it was built before, as it stands and without options, and the raw tables have grown since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A whole random project, what is wrong with it, and how it is run."""

    nodes: tuple[Node, ...]
    column_tests: tuple[ColumnTest, ...] = ()
    singular_tests: tuple[SingularTest, ...] = ()
    unit_tests: tuple[UnitTest, ...] = ()
    exposed: tuple[str, ...] = ()
    """What the exposure names; there is none without."""
    saved_query_on: str | None = None
    failing_hooks: tuple[Hook, ...] = ()
    halting_hooks: bool = False
    """Whether a failed on-run-start hook stops everything, as a flag of dbt's says."""
    way: Way = Way()

    def node(self, name: str) -> Node:
        """Give the node of a name."""
        return next(node for node in self.nodes if node.name == name)

    def defects(self) -> tuple[str, ...]:
        """Say what is wrong, a line each."""
        parts = (*self.nodes, *self.column_tests, *self.singular_tests, *self.unit_tests)
        return (
            *(f"{part.name}: {part.defect}" for part in parts if part.defect is not None),
            *(f"the hook at the {hook.when} of {hook.package}: fails" for hook in self.failing_hooks),
        )
