"""Checks that a compiled statement reads only relations of the graph and calls only functions that are understood."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.reuse.facts import StoredFunction
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.python_code import sql_calls
from orchestrator.reuse.fingerprints.statement import Statement, read_function, read_statement
from orchestrator.reuse.fingerprints.statement_functions import is_built_in
from orchestrator.reuse.fingerprints.statement_tree import Name
from orchestrator.reuse.fingerprints.value import Fingerprint, StatementVerdict


@dataclass(slots=True)
class Statements:
    """Analyzes compiled statements, each only once."""

    manifest: Manifest
    database: str = ""
    """The database of names that do not give one."""
    functions: Callable[[], Mapping[str, StoredFunction]] = dict
    """Returns the functions that are stored in the database now, by name."""
    deferred: Mapping[NodeId, Relation] = field(default_factory=dict)
    """The relations of another place that `--defer` may read in place of nodes."""
    unread: bool = False
    """Whether the database cannot be read now. The stored functions are then assumed to be as recorded."""
    _functions: tuple[Mapping[str, StoredFunction], Mapping[str, tuple[Statement, ...]]] | None = None
    _read: dict[tuple[NodeId, str], StatementVerdict] = field(default_factory=dict)
    _read_with: Mapping[str, StoredFunction] | None = None

    def verdict(self, node: NodeId, code: str, before: StatementVerdict | None = None) -> StatementVerdict:
        """Return the verdict on the compiled code of a node; keep an earlier verdict on the same code."""
        functions, digest = self.functions(), digest_of(code)
        # With --defer, what was read without ref() may turn out to be read elsewhere for a ref().
        is_known = before is not None and before.code == digest and not (self.deferred and before.findings)
        if before is not None and is_known and not self.was_deferred(before) and not self._changed(before):
            return before  # reading a statement takes a millisecond or more
        # `functions` is one object until a step may have changed them; hashing all definitions would be slower. The
        # object itself is kept, because the id of one that is gone can be that of the next.
        if self._read_with is not functions:
            self._read_with, self._read = functions, {}
        if (node, digest) not in self._read:
            self._read[node, digest] = self._verdict(self.manifest.nodes[node], code, digest, functions)
        return self._read[node, digest]

    def was_deferred(self, before: StatementVerdict) -> bool:
        """Return whether a verdict is of a build that read other relations than one without `--defer` reads now."""
        return bool(before.deferred) and not self.deferred

    def why_not(self, made: Fingerprint, then: Fingerprint) -> str:
        """Return what in the compiled statement of a node prevents its reuse; empty if nothing does.

        If no verdict was recorded with the build, it is not known which functions were stored at that time.
        """
        statement = made.statement
        if made.is_declared:  # the project vouches for the node
            return ""
        if not made.has_statement:
            return self._why_not_python(made.node)
        if statement is None:
            return "what it compiles to is not known"
        return _why_unknown(statement) or self._why_stored(statement, then)

    def _why_stored(self, statement: StatementVerdict, then: Fingerprint) -> str:
        if replaced := self._replaced():
            return f"not understood: {replaced}(), stored in the database, which replaces a built-in function"
        if statement.stored and then.statement is None:
            return f"the function {min(statement.stored)}(), stored in the database, may have changed since"
        changed = self._changed(statement)
        return f"the function {changed}(), stored in the database, changed" if changed else ""

    def _read_all(self, functions: Mapping[str, StoredFunction]) -> Mapping[str, tuple[Statement, ...]]:
        """Return the parsed stored functions; parse them again only if they have changed."""
        if self._functions is None or self._functions[0] is not functions:
            self._functions = functions, read_functions(functions, self.manifest.adapter_type)
        return self._functions[1]

    def _names(self, relations: Iterable[Relation], *, exact: bool) -> Iterator[Name]:
        """Yield the names by which a stored function may refer to these relations."""
        for relation in relations:
            database, schema, identifier = _key(relation, self.database, exact=exact)
            yield (database, schema, identifier)
            if database == (self.database if exact else self.database.lower()):
                yield (schema, identifier)

    def _replaced(self) -> str:
        """Return a stored macro that replaces a built-in function: DuckDB's own operators and syntax call it too."""
        adapter = self.manifest.adapter_type
        # DuckDB calls such a macro instead of its own function. PostgreSQL looks in its own catalog first.
        names = sorted(self.functions()) if adapter == "duckdb" else []
        return next((name for name in names if is_built_in(name, adapter)), "")

    def _why_not_python(self, unique_id: NodeId) -> str:
        node = self.manifest.nodes.get(unique_id)
        if node is None or node.definition.language != "python":
            return ""
        stored = sorted(sql_calls(node.definition.raw_code) & self.functions().keys())
        return f"not understood: {stored[0]}(), stored in the database" if stored else ""

    def _changed(self, statement: StatementVerdict) -> str:
        """Return a called function that was created, replaced or dropped since the verdict; empty if there is none."""
        if self.unread:
            return ""
        functions = self.functions()
        called = statement.calls
        if not called.isdisjoint(functions):  # the functions that they call may have changed, or were not recorded then
            called = called_through(called, self._read_all(functions))
        now = stored_digests(called, functions)
        return next((name for name, _ in sorted(now.items() ^ dict(statement.stored).items())), "")

    def _verdict(
        self, node: DbtNode, code: str, digest: str, functions: Mapping[str, StoredFunction]
    ) -> StatementVerdict:
        adapter = self.manifest.adapter_type
        read = self.manifest.files_read(node)
        for external, relation in sorted(read.items(), key=lambda one: -len(one[0])):  # one may contain another
            code = code.replace(external, _quoted(relation))  # the version of the dbt source covers the files
        exact = adapter == "postgres"
        reads = {
            name: frozenset(self._names(relations, exact=exact))
            for name, relations in self.manifest.functions_called(node).items()
        }
        readings = self._read_all(functions)
        stored = understood_functions(readings, reads)
        known = frozenset(name for name, why in stored.items() if not why)
        found = read_statement(code, adapter, known_functions=known)
        # A relation that is no parent may change without this node being evaluated again.
        allowed = {_key(relation, self.database, exact=exact) for relation in self.manifest.read_by_refs(node)}
        home = self.database if exact else self.database.lower()
        outside = [name for name in sorted(found.relations) if not _is_allowed(name, allowed, home)]
        elsewhere = {
            _key(self.deferred[one], self.database, exact=exact)
            for one in self.manifest.read_through(node)
            if one in self.deferred
        }
        deferred = [name for name in outside if _is_allowed(name, elsewhere, home)]
        unnamed = [name for name in outside if name not in deferred]
        calls = called_through(found.calls | _names_of_types(code), readings)
        opaque = sorted(name for name in calls if stored.get(name))
        return StatementVerdict(
            code=digest,
            findings=(
                *found.unknown,
                *_invisible(code),
                *_local_time(code, adapter),
                *(f"{'.'.join(name)}, which it reads without ref() or source()" for name in unnamed),
                *(f"{name}(), stored in the database: {stored[name]}" for name in opaque),
            ),
            volatile=found.volatile,
            deferred=tuple(".".join(name) for name in deferred),
            calls=calls,
            stored=stored_digests(calls, functions),
            sees_all_columns=found.sees_all_columns,
        )


def _why_unknown(statement: StatementVerdict) -> str:
    """Return what in a statement makes any earlier result unreliable; empty if nothing does."""
    if statement.volatile:
        return f"volatile: {statement.volatile[0]}"
    if statement.findings:
        return f"not understood: {statement.findings[0]}"
    if statement.deferred:
        return f"reads the deferred relation {statement.deferred[0]}, whose rows cannot be compared"
    return ""


def stored_digests(called: AbstractSet[str], functions: Mapping[str, StoredFunction]) -> dict[str, str]:
    """Return the digest of each called stored function, by name."""
    return {name: digest_of(functions[name].definition or "") for name in sorted(called & functions.keys())}


def read_functions(functions: Mapping[str, StoredFunction], adapter: str) -> dict[str, tuple[Statement, ...]]:
    """Return the parsed bodies of all stored functions; none if the definition cannot be read as SQL."""
    names = functions.keys()
    return {
        name: tuple(read_function(body, adapter, known_functions=names) for body in function.bodies)
        for name, function in functions.items()
    }


def understood_functions(
    readings: Mapping[str, tuple[Statement, ...]], reads: Mapping[str, AbstractSet[Name]] | None = None
) -> dict[str, str]:
    """Return for each stored function why it is not understood; empty if it is understood.

    A function is understood if its definition is SQL that calls only understood functions and reads no tables except
    those that `reads` lists for it.
    """
    found: dict[str, str] = {}

    def look(name: str, above: frozenset[str]) -> str:
        if name in found:
            return found[name]
        bodies = readings[name]
        if name in above:
            why = "it calls itself"
        elif not bodies:
            why = "its definition cannot be read as SQL"
        else:
            called = sorted({one for body in bodies for one in body.calls if one in readings})
            below = [f"it calls {one}()" for one in called if look(one, above | {name})]
            known = (reads or {}).get(name, frozenset())
            tables = [f"it reads {'.'.join(one)}" for body in bodies for one in sorted(body.relations - known)]
            own = [what for body in bodies for what in (*body.volatile, *body.unknown)]
            why = next(iter([*own, *tables, *below]), "")
        found[name] = why
        return why

    for name in sorted(readings):
        look(name, frozenset())
    return found


def called_through(calls: AbstractSet[str], readings: Mapping[str, tuple[Statement, ...]]) -> frozenset[str]:
    """Return the names and every function that the stored ones among them call, directly or indirectly."""
    waiting, found = list(calls), set(calls)
    for name in waiting:  # the loop appends to it
        below = {one for body in readings.get(name, ()) for one in body.calls} - found
        found |= below
        waiting += sorted(below)
    return frozenset(found)


_TYPES = re.compile(
    r"(?:::|\bas\b|\bcollate\b)\s*\"?([a-z_]\w*)\"?|\bcollate\s+\"?\w+\"?\.\"?(\w+)\"?|\b([a-z_]\w*)\s*'", re.IGNORECASE
)
_ZONE = re.compile(r"\bat\s+time\s+zone\b|\btimezone\s*\(", re.IGNORECASE)
_TIME = re.compile(r"(?:::|\bas)\s*time\b(?!\s*stamp)|\btime\s*'", re.IGNORECASE)


def _names_of_types(code: str) -> frozenset[str]:
    """Return the words that may name a type or a collation. A user-defined one can change just as a function can."""
    return frozenset(name.lower() for found in _TYPES.findall(code) for name in found if name)


def _invisible(code: str) -> list[str]:
    """Return the invisible characters: a database may skip them inside a word, and people do not see them."""
    found = sorted({letter for letter in code if unicodedata.category(letter) == "Cf"}) if not code.isascii() else []
    return [f"the invisible character U+{ord(letter):04X}" for letter in found]


def _local_time(code: str, adapter: str) -> list[str]:
    """Return a finding if a time without a date is converted: PostgreSQL uses today's offset from UTC for that."""
    asks = adapter == "postgres" and _ZONE.search(code) is not None and _TIME.search(code) is not None
    return ["a time without a date in a time zone, which asks the clock"] if asks else []


def _quoted(relation: Relation) -> str:
    names = (relation.database, relation.schema, relation.identifier)
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name is not None)


def _key(relation: Relation, database: str, *, exact: bool) -> tuple[str, str, str]:
    home = relation.database or database
    if exact:  # dbt quotes every name
        return (home, relation.schema, relation.identifier)
    return (home.lower(), *relation.key())


def _is_allowed(name: tuple[str, ...], allowed: AbstractSet[tuple[str, str, str]], database: str) -> bool:
    """Return whether a name in a statement is an allowed relation; a name without a schema may mean any relation."""
    match name:
        case (_, _, _):
            return name in allowed
        case (schema, identifier):
            return (database, schema, identifier) in allowed
        case _:
            return False
