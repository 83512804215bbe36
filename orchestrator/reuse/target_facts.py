"""Reads facts about a target's relations and functions; each is read once, until a step of the run changes it."""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.errors import WarehouseError
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.plan.placement import placed
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import VIEW, Budget, Content, StoredFunction
from orchestrator.reuse.file_facts import FileFacts
from orchestrator.reuse.fingerprints.value import SourceVersion
from orchestrator.reuse.open_target import OpenTarget
from orchestrator.reuse.sources import version_of, why_unversioned


@dataclass(slots=True)
class TargetFacts:
    """What is known about one target; every method may raise WarehouseError."""

    project: OpenTarget
    spent: float = 0.0
    """Seconds of the budget that are used up."""
    _contents: dict[Relation, Content | None] = field(default_factory=dict)
    _shapes: dict[Relation, Content | None] = field(default_factory=dict)
    _files: FileFacts = field(init=False)
    _built: dict[StepId, Content] = field(default_factory=dict)
    _functions: Mapping[str, StoredFunction] | None = None

    def __post_init__(self) -> None:
        self._files = FileFacts(self.project)

    @property
    def is_readable(self) -> bool:
        """Return whether the database exists, can be shared with dbt, and is not locked by another process."""
        return self.project.target.is_shared and self.project.target.is_there and not self.is_locked

    @property
    def is_locked(self) -> bool:
        """Return whether another process has locked the database; a command that only reads continues without it."""
        return self.project.locked_database() is not None

    def contents(self, relations: Iterable[Relation]) -> Mapping[Relation, Content]:
        """Return what these relations hold now; relations that do not exist are omitted."""
        wanted = tuple(dict.fromkeys(relations))
        self._read(wanted)
        found = {relation: self._contents.get(relation) for relation in wanted}
        return {relation: content for relation, content in found.items() if content is not None}

    def functions(self) -> Mapping[str, StoredFunction]:
        """Return the functions that are stored in the database now."""
        if self._functions is None:
            self._functions = self.project.warehouse().stored_functions() if self.is_readable else {}
        return self._functions

    def settings(self) -> Mapping[str, object]:
        """Return the database's settings that change results; for a file that does not exist yet, its future ones."""
        if not self.project.target.is_shared or self.is_locked:
            return {}
        found = self.project.result_settings()
        return {f"database-{name}": value for name, value in found.items()}

    def columns(self, node: NodeId) -> str:
        """Return a digest of the current columns of a node's or dbt source's relation; empty if it has none."""
        relation = placed(self.project.graph, node)
        if relation is None or not self.is_readable:
            return ""
        source = self.project.graph.manifest.sources.get(node)
        if source is not None and source.external:
            return self._files.columns(source)
        try:
            # An error gives no part for the columns, so a fingerprint that had this part differs, and the node runs.
            shape = self._shape(relation)
        except WarehouseError:
            return ""
        return "" if shape is None else shape.columns

    def version(self, source: NodeId, newest_row: str | None) -> SourceVersion | str:
        """Return the version of a dbt source's rows, or the reason why they have none.

        For a table that is too large to be read, the newest row that dbt's freshness check found is the version.
        """
        if not self.is_readable:
            return "its database cannot be read beside dbt"
        target, manifest = self.project.target, self.project.graph.manifest
        relation = manifest.sources[source].placed
        if manifest.sources[source].external:
            return self._version_of_files(manifest.sources[source])
        try:
            below = why_unversioned(relation, self._shape, self.functions(), target.adapter, target.database)
            if isinstance(below, str):
                return below
            content = self.contents([relation]).get(relation)
            if content is None and (relation.database or target.database).lower() != target.database.lower():
                return f"its database {relation.database}, which dbt attaches, cannot be read before dbt does"
            found = version_of(relation, content, below)
        except WarehouseError as error:
            return error.message.splitlines()[0]
        # With a filter, dbt's newest row describes only a part of the table, so it is no version.
        if isinstance(found, str) and not manifest.sources[source].has_freshness_filter:
            is_shown = newest_row is not None and _is_a_moment(newest_row)
            return SourceVersion(rows=f"newest row {newest_row}") if is_shown else found
        return found

    def _version_of_files(self, source: DbtSource) -> SourceVersion | str:
        started = time.monotonic()
        found = self._files.version(source, self.functions(), self._budget().seconds)
        self.spent += time.monotonic() - started
        return found

    def is_unread(self, source: NodeId) -> bool:
        """Return whether a source's rows are not read, so that only its newest row identifies its state."""
        known = self.project.graph.manifest.sources[source]
        if self.is_locked:
            return True
        if known.external:
            return isinstance(self._version_of_files(known), str)
        relation = known.placed
        try:
            content = self.contents([relation]).get(relation)
        except WarehouseError:
            return True
        return content is None or content.rows is None

    def note_content(self, step: StepId, content: Content) -> None:
        """Record what a build found in its own transaction; used once the step has succeeded. Thread-safe."""
        # The thread of the build calls this while the loop reads. Setting one key of a dict needs no lock.
        self._built[step] = content

    def touch(self, step: StepId, *, exists: bool) -> None:
        """Forget what a step that ran may have changed; if it succeeded, keep what it recorded of its own build."""
        graph = self.project.graph
        node = graph.manifest.nodes.get(NodeId(step))
        if step.startswith("hook.") or (node is not None and node.resource_type is ResourceType.FUNCTION):
            self._functions = None  # a hook may create or replace functions
        if step.startswith(("hook.", "ingest.")):
            # A hook or a load may write the table of any dbt source.
            sources = (source.placed for source in graph.manifest.sources.values())
            self._forget(sources)
            self._files.forget()
        elif NodeId(step) in graph.steps:
            self._forget(graph.manifest.sources[source].placed for source in graph.steps[NodeId(step)].feeds)
            self._files.forget()
        elif node is not None and node.placed is not None:
            self._forget([node.placed])
            if _writes_a_file(node):
                self._files.forget()
            built = self._built.pop(step, None)
            if built is not None and exists:
                # Children ask for the columns next. The build has just read them, so no query is needed.
                self._shapes[node.placed] = built

    def _forget(self, relations: Iterable[Relation]) -> None:
        for relation in relations:
            self._contents.pop(relation, None)
            self._shapes.pop(relation, None)

    def _shape(self, relation: Relation) -> Content | None:
        """Return the kind, columns and definition of a relation, without its rows."""
        if relation not in self._shapes:
            if self._contents.get(relation) is not None:
                return self._contents[relation]
            self.look([relation])
        return self._shapes[relation]

    def look(self, relations: Collection[Relation]) -> None:
        """Look up what relations are, without their rows, in one query."""
        if relations and self.is_readable:
            found = self.project.warehouse().contents(relations, self._budget(), definitions_only=True)
            self._shapes |= {relation: found.get(relation) for relation in relations}

    def _read(self, relations: Iterable[Relation]) -> None:
        wanted = [relation for relation in relations if relation not in self._contents]
        if not wanted or not self.is_readable:
            return
        started = time.monotonic()
        # Only the catalog says which of them are views. Reading the rows of a view would run its query.
        self.look([relation for relation in wanted if relation not in self._shapes])
        views = [relation for relation in wanted if (shape := self._shapes[relation]) and shape.kind == VIEW]
        with_rows = self._views_with_rows()
        found = self.project.warehouse().contents(
            wanted, self._budget(), rows_of_views=[view for view in views if view in with_rows]
        )
        # None is kept too: a relation that does not exist is not looked up again.
        self._contents |= {relation: found.get(relation) for relation in wanted}
        self._shapes |= {relation: found.get(relation) for relation in wanted}
        self.spent += time.monotonic() - started

    def _views_with_rows(self) -> frozenset[Relation]:
        """Return the relations whose rows are read although they may be views: dbt sources, and external files."""
        manifest = self.project.graph.manifest
        files = (node.placed for node in manifest.nodes.values() if _writes_a_file(node))
        sources = (source.placed for source in manifest.sources.values())
        return frozenset(relation for relation in (*files, *sources) if relation is not None)

    def _budget(self) -> Budget:
        # The time is for the whole command, so what one read has used is missing for the next.
        whole = self.project.settings.content
        return Budget(rows=whole.rows, seconds=max(0.0, whole.time.total_seconds() - self.spent))


class WarehouseFacts:
    """Which relations exist in the database; looked up once, when the planner first asks."""

    def __init__(self, project: OpenTarget) -> None:
        self._project = project
        self._known: frozenset[tuple[str, str]] | None = None
        self._asked = False

    def exists(self, relation: Relation) -> bool | None:
        """Return whether the relation exists; None if the database is locked, and True if only dbt can find out."""
        if self._project.locked_database() is not None:
            return None
        if not self._asked:
            self._asked = True  # `None` is an answer too: only dbt can see the relations
            self._known = self._project.relations()
        return self._known is None or relation.key() in self._known


def _is_a_moment(newest: str) -> bool:
    """Return whether a newest row has a time of day; a plain date does not show later rows of the same day."""
    return bool(newest[10:].strip("T 0:.+Z"))


def _writes_a_file(node: DbtNode) -> bool:
    return node.materialized == "external"
