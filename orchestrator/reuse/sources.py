"""Computes the version of a dbt source from the content of its table."""

from collections.abc import Callable, Iterable, Mapping

from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import FOREIGN, VIEW, Content, StoredFunction
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.value import SourceVersion
from orchestrator.reuse.statements import read_functions, understood_functions

Look = Callable[[Relation], Content | None]
"""Returns the content of a relation without its rows; None if it does not exist."""


def version_of(relation: Relation, content: Content | None, below: Iterable[Content] = ()) -> SourceVersion | str:
    """Return the version of a table by its content, or why it has none.

    For a view, `below` are the relations that it reads: collations of their columns decide how rows compare.
    """
    if content is None:
        return f"{relation} does not exist"
    if content.rows is None:
        return content.why_not or "its rows were not read"
    shapes = digest_of([[one.columns, one.definition] for one in (content, *below)])
    rows = f"{shapes} {content.count} {content.rows}"
    return SourceVersion(rows=rows, ids=content.dlt_columns or "")


def why_unversioned(
    relation: Relation, look: Look, functions: Mapping[str, StoredFunction], adapter: str, database: str
) -> str | tuple[Content, ...]:
    """Return why the current content of a relation may differ for a later reader; otherwise all relations it reads.

    Tables store their rows. A view shows what its query returns, so everything that the query reads and calls must be
    understood, down to the tables.
    """
    from orchestrator.reuse.fingerprints.statement import read_view

    stored = understood_functions(read_functions(functions, adapter))  # a view may call them
    known = {name for name, why in stored.items() if not why}
    waiting, seen, below = [relation], set[tuple[str, str]](), list[Content]()
    for one in waiting:  # the loop appends to it
        if one.key() in seen:
            continue
        seen.add(one.key())
        content = look(one)
        if content is None:
            return () if one == relation else f"it is a view that reads {one}, which was not found"
        if content.kind == FOREIGN:  # another server may change it without a trace here
            return f"{one} is a foreign table"
        below.append(content)
        if content.kind != VIEW:
            continue
        read = read_view(content.definition, adapter, known_functions=known)
        opaque = sorted((read.calls & functions.keys()) - known)
        for what in (*read.volatile, *read.unknown, *(f"{name}(), stored in the database" for name in opaque)):
            return f"{one} is a view that uses {what}"
        waiting += [_relation(name, one, database) for name in sorted(read.relations)]
    return tuple(below)


def _relation(name: tuple[str, ...], of_view: Relation, database: str) -> Relation:
    """Return the relation that a name in a view refers to; a name without a schema is in the schema of the view."""
    match name:
        case (named, schema, identifier):
            return Relation(database=named, schema=schema, identifier=identifier)
        case (schema, identifier):
            return Relation(database=of_view.database or database, schema=schema, identifier=identifier)
        case _:
            return Relation(database=of_view.database or database, schema=of_view.schema, identifier=name[-1])
