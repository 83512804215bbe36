"""Reads what relations contain, in any database: one catalog query, then checksums in batches."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.errors import WarehouseError
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import TABLE, VIEW, Budget, Content
from orchestrator.reuse.table_columns import columns_digest

_BATCH = 25
"""Tables in one statement: with more of them, the database spends its time on planning the statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A relation as the catalog describes it."""

    database: str
    schema: str
    name: str
    kind: str
    columns: tuple[tuple[str, str], ...]
    """Names and types, in order."""
    definition: str = ""
    most: int | None = None
    """The relation has at most this many rows; None if the catalog cannot guarantee a number."""
    estimate: int | None = None
    """The catalog's estimate of the row count."""
    without_binary: frozenset[str] = frozenset()
    """The columns whose values have no binary form."""

    def without_rows(self, why_not: str = "", *, count: int | None = None) -> Content:
        """Return the content as far as the catalog alone describes it."""
        return Content(
            kind=self.kind,
            columns=columns_digest(self.columns),
            rows=None,
            dlt_columns=None,
            count=count,
            definition=self.definition,
            why_not=why_not,
        )

    def read(self, answer: "Answer", limit: int) -> Content:
        """Return the content from the catalog and the checksums."""
        _, count, rows, all_columns = answer
        if count > limit:
            return self.without_rows(too_many(limit))
        return replace(self.without_rows(), count=count, rows=f"{count}:{rows}", dlt_columns=all_columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was built, and how many of its rows are read at most."""

    relation: Relation
    is_table: bool
    """Whether dbt's own materialization made it, which always makes a table."""
    writes_file: bool
    """Whether it is a view over a file that the build wrote; then its rows are read too."""
    most_rows: int


class OutOfTimeError(WarehouseError):
    """The time for reading tables ran out while a statement ran."""


Answer = Sequence[Any]
"""One relation's row of the answer: its number, its row count, and both checksums as texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The operations that differ between databases."""

    shapes: Callable[[Collection[Relation]], Mapping[Relation, Shape]]
    """Returns the shapes of those relations that exist. Raises WarehouseError."""
    select: Callable[[int, Shape, int], str]
    """Returns the SELECT of the checksums of a relation, by its number, or of its first rows up to a limit."""
    ask: Callable[[str, float], Iterable[Answer]]
    """Runs a statement for at most so many seconds. Raises WarehouseError or OutOfTimeError."""
    too_large: Callable[[Shape, int], tuple[bool, int | None]]
    """Returns whether a table has more rows than a limit, as far as that costs nothing, and its row count if known.
    Raises WarehouseError."""
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _ContentReading:
    """The relations of one request, and what is known of them so far."""

    reader: Reader
    budget: Budget
    deadline: float
    found: dict[Relation, Content] = field(default_factory=dict)

    def read(self, batch: Sequence[tuple[Relation, Shape]]) -> None:
        """Read the rows of several relations in one statement; one by one if that statement fails."""
        left = self.deadline - self.reader.clock()
        if left <= 0:
            self._give_up(batch, self._late())
            return
        limit = self.budget.rows
        selects = [self.reader.select(number, shape, limit) for number, (_, shape) in enumerate(batch)]
        try:
            answers = list(self.reader.ask(" union all ".join(selects), left))
        except OutOfTimeError:
            self._give_up(batch, self._late())
            return
        except WarehouseError as error:
            # One unreadable relation makes the whole statement fail: read the others without it.
            if len(batch) == 1:
                self._give_up(batch, error.message.strip().splitlines()[0])
            else:
                for one in batch:
                    self.read([one])
            return
        for answer in answers:
            relation, shape = batch[answer[0]]
            self.found[relation] = shape.read(answer, limit)

    def _give_up(self, batch: Iterable[tuple[Relation, Shape]], why_not: str) -> None:
        for relation, shape in batch:
            self.found[relation] = shape.without_rows(why_not)

    def _late(self) -> str:
        return f"the time limit for reading tables ({self.budget.seconds:g} s, content.time) was reached"


def read_contents(
    reader: Reader,
    relations: Collection[Relation],
    budget: Budget,
    *,
    definitions_only: bool = False,
    rows_of_views: Collection[Relation] = (),
) -> Mapping[Relation, Content]:
    """Return what each relation that exists contains now. Raises WarehouseError if the catalog cannot be read."""
    if not relations:
        return {}
    reading = _ContentReading(reader, budget, reader.clock() + budget.seconds)
    waiting: list[tuple[Relation, Shape]] = []
    for relation, shape in reader.shapes(relations).items():
        if not definitions_only and (relation in rows_of_views or shape.kind not in {VIEW, "foreign"}):
            waiting.append((relation, shape))
        elif shape.kind == VIEW and relation not in rows_of_views:
            reading.found[relation] = shape.without_rows()
        else:
            reading.found[relation] = shape.without_rows(
                "its rows were not asked for" if definitions_only else "its rows are in another system"
            )
    alone: list[tuple[Relation, Shape]] = []
    together: list[tuple[Relation, Shape]] = []
    for relation, shape in waiting:
        is_small = shape.kind == TABLE and shape.most is not None and shape.most <= budget.rows
        is_too_large, count = (False, None) if is_small else _too_large(reader, shape, budget.rows)
        if is_too_large:
            reading.found[relation] = shape.without_rows(too_many(budget.rows), count=count)
        else:
            (together if is_small else alone).append((relation, shape))
    # small tables first, so that as many as possible are read before the time runs out
    together.sort(key=lambda one: one[1].most or 0)
    for batch in _batches(together):
        reading.read(batch)
    for one in alone:
        reading.read([one])
    return reading.found


def _too_large(reader: Reader, shape: Shape, limit: int) -> tuple[bool, int | None]:
    if shape.kind != TABLE:
        return False, None
    try:
        return reader.too_large(shape, limit)
    except WarehouseError:
        return False, None  # the attempt to read it will report the reason


_MANY_ROWS = 1_000_000


def _batches(waiting: Iterable[tuple[Relation, Shape]]) -> Iterable[list[tuple[Relation, Shape]]]:
    """Group small tables; a large one is read alone, so that the deadline is checked before and after it."""
    batch: list[tuple[Relation, Shape]] = []
    rows = 0
    for one in waiting:
        size = one[1].most or 0
        if batch and (len(batch) == _BATCH or rows + size > _MANY_ROWS):
            yield batch
            batch, rows = [], 0
        batch.append(one)
        rows += size
    if batch:
        yield batch


def too_many(limit: int) -> str:
    """Return the reason why a table was not read."""
    return f"it has more than {limit:,} rows (content.rows)"


def found_by_name(
    relations: Iterable[Relation], shapes: Iterable[Shape], *, database: str, folded: Callable[[str], str]
) -> dict[Relation, Shape]:
    """Find each relation among the shapes: by its exact name, else by its unquoted name."""
    exact: dict[tuple[str, str, str], Shape] = {}
    for shape in shapes:
        exact[(shape.database.lower(), shape.schema, shape.name)] = shape
    plain = {(key[0], folded(key[1]), folded(key[2])): shape for key, shape in exact.items()}
    found = {}
    for relation in relations:
        home = (relation.database or database).lower()
        names = (home, relation.schema, relation.identifier)
        found_here = exact.get(names) or plain.get((home, folded(names[1]), folded(names[2])))
        if found_here is not None:
            found[relation] = found_here
    return found


def as_text(value: Any) -> str:  # noqa: ANN401  # as the database's driver returns it
    """Return a catalog value as text; None becomes the empty string."""
    return "" if value is None else str(value)
