"""Facts about the relations, functions and settings of a target, as values that can be compared."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.reuse.fingerprints.digest import digest_of

TABLE = "table"
VIEW = "view"
MATERIALIZED_VIEW = "materialized view"
FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The content of a relation now, as its readers see it."""

    kind: str
    """`table`, `view`, `materialized view`, or `foreign`: a foreign table, or any relation in an attached database of
    another kind."""
    columns: str
    """The digest of the names and types of all columns, in order."""
    rows: str | None
    """The checksum of all rows over all columns except dlt's (`_dlt_…`), in any order; None if they were not read."""
    dlt_columns: str | None
    """The checksum of all rows over all columns, including dlt's own; empty if there are no dlt columns."""
    count: int | None
    definition: str = ""
    """The definition of a view, as the catalog stores it; for a table, only if columns have collations."""
    why_not: str = ""
    """Why `rows` is None, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits on how much is read to find out what tables hold."""

    rows: int
    """Tables with more rows are not read."""
    seconds: float
    """After this time, the remaining tables are not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFunction:
    """A function or macro that a user or an extension created in the database."""

    definition: str | None
    """Its SQL with its parameters, all overloads together; None if it is opaque, as in C, Python or PL/pgSQL."""
    is_table: bool = False
    """Whether it returns a table."""
    bodies: tuple[str, ...] = ()
    """The SQL of each overload, without its parameters; empty if the definition does not show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedDatabase:
    """A database that could not be read because another process has its file open."""

    database: str
    """The absolute path of the file."""
    pid: int
    """The process id; 0 if it is not known."""
    command: str
    """The first words of its command line."""

    def __str__(self) -> str:
        return f"{self.database} is locked by process {self.pid} ({self.command})"


class Sameness(StrEnum):
    """How the content of a relation compares with its recorded content."""

    SAME = "same"
    OTHER = "other"
    NOT_KNOWN = "not known"
    """Everything that could be compared is equal, but the rows were not read then or now."""


NOT_READ = "?"


def content_text(content: Content) -> str:
    """Return the content as one line of text, as markers record it."""
    parts = [f"kind={content.kind}", f"columns={content.columns}"]
    if content.definition and content.kind != TABLE:
        parts.append(f"definition={digest_of(content.definition)}")
    # The rows of a view are read only if it stands for data: a dbt source, or the file of an external model.
    if content.kind != VIEW or content.rows is not None or content.why_not:
        parts.append(f"count={NOT_READ if content.count is None else content.count}")
        parts.append(f"rows={NOT_READ if content.rows is None else content.rows}")
        parts.append(f"dlt={NOT_READ if content.dlt_columns is None else content.dlt_columns}")
    if content.why_not:
        parts.append(f"why={content.why_not}")
    return "; ".join(parts)


def count_in(text: str | None) -> int | None:
    """Return the row count of a table from its recorded content; None if it has none."""
    found = _parts(text or "")
    count = found.get("count", NOT_READ)
    return int(count) if found.get("kind") == TABLE and count.isdecimal() else None


def is_same(text: str | None, content: Content | None) -> bool:
    """Return whether the relation provably holds its recorded content."""
    return compared(text, content) is Sameness.SAME


def compared(text: str | None, content: Content | None) -> Sameness:
    """Compare the recorded content of a relation with its content now."""
    if content is None:  # it does not exist
        return Sameness.OTHER
    if text is None:  # an earlier version of elt wrote the marker
        return Sameness.NOT_KNOWN
    then, now = _parts(text), _parts(content_text(content))
    is_known = True
    for name in ("kind", "columns", "definition", "count", "rows", "dlt"):
        before, after = then.get(name), now.get(name)
        if before == after and before != NOT_READ:  # two unread values prove nothing
            continue
        # If one side lacks the rows, equality is neither proven nor disproven.
        if NOT_READ in {before, after} or (name in {"count", "rows", "dlt"} and None in {before, after}):
            is_known = False
        else:
            return Sameness.OTHER
    return Sameness.SAME if is_known else Sameness.NOT_KNOWN


def _parts(text: str) -> dict[str, str]:
    """Return the parts of the text. Only the last one, the reason in words, may contain the separator."""
    found = {}
    while text:
        name, _, rest = text.partition("=")
        if name == "why":
            break
        found[name], _, text = rest.partition("; ")
    return found
