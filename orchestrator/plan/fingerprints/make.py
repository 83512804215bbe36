"""Makes the fingerprints of dbt's nodes: pure, and the same for the same project and surroundings."""

from collections.abc import Callable, Iterable, Mapping

from orchestrator.nodes.dbt import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.fingerprints.asked import Asked
from orchestrator.plan.fingerprints.config_keys import config_parts, declared_volatile, hooks_of
from orchestrator.plan.fingerprints.digest import digest_of
from orchestrator.plan.fingerprints.python_code import read_python
from orchestrator.plan.fingerprints.reach import MacroIndex, Reached
from orchestrator.plan.fingerprints.reading import NOTHING, Found, Reading
from orchestrator.plan.fingerprints.surroundings import Surroundings
from orchestrator.plan.fingerprints.value import Finding, Fingerprint

FINGERPRINTED = frozenset(
    {
        ResourceType.MODEL,
        ResourceType.SEED,
        ResourceType.SNAPSHOT,
        ResourceType.FUNCTION,
        ResourceType.TEST,
        ResourceType.UNIT_TEST,
    }
)
_NOT_COMPILED = frozenset({ResourceType.SEED, ResourceType.UNIT_TEST})
UNKNOWN = "unknown"
Parts = dict[str, str]


def own_digest(fingerprint: Fingerprint) -> str:
    """Say what a node is to its children when nothing else is known: the digest of its fingerprint."""
    return fingerprint.digest


def make_fingerprints(
    manifest: Manifest,
    around: Surroundings,
    order: Iterable[NodeId],
    identity: Callable[[Fingerprint], str] = own_digest,
) -> dict[NodeId, Fingerprint]:
    """Make the fingerprint of each node of `order`, in which a node stands after its parents.

    `identity` says what a node is to its children: a caller who knows that a changed node compiles to what stands
    gives the digest that stands.
    """
    maker = Fingerprinter(manifest, around)
    known: dict[NodeId, str] = {}
    found: dict[NodeId, Fingerprint] = {}
    for unique_id in order:
        node = manifest.nodes.get(unique_id)
        if node is not None and node.resource_type in FINGERPRINTED:
            made = found[unique_id] = maker.make(node, known)
            known[unique_id] = identity(made)
    return found


class Fingerprinter:
    """Makes fingerprints one by one; remembers what it has read."""

    def __init__(self, manifest: Manifest, around: Surroundings) -> None:
        self.index = MacroIndex(manifest)
        self._manifest = manifest
        self._around = around
        self._asked = Asked(self.index, around)
        self._shared: dict[str, Parts] = {}

    def make(self, node: DbtNode, parents: Mapping[NodeId, str]) -> Fingerprint:
        """Make one node's fingerprint; `parents` says what each of its parents is."""
        text, reached, read = self._code(node)
        hooks, beside = self._beside(node)
        rendered = {"code": digest_of(node.definition.raw_code), **self._asked.parts(read, reached, node)}
        built = {
            **self._shared_by(node),
            **beside,
            **dict(config_parts(node.definition.config)),
            **_own_parts(node, self._around),
        }
        built |= self._parent_parts(node, parents)
        if read.beside_the_sql or node.resource_type in _NOT_COMPILED:
            built = {**rendered, **built}
        sources = [parent for parent in node.parents if parent in self._manifest.sources]
        said = declared_volatile(node.definition.config)
        return Fingerprint(
            node=node.unique_id,
            rendered={name: part for name, part in rendered.items() if name not in built},
            built=built,
            unknown=frozenset(parent for parent in sources if parent not in self._around.data_versions),
            volatile=_declared(node) if said else None if said is False else self._volatile(node, text, reached, hooks),
            at_run_time=self._at_run_time(node, text, reached),
        )

    def reached_by(self, node: DbtNode) -> Reached:
        """Give every macro that a node's code, its hooks and its materialization reach, by the nearest way."""
        _, in_code, _ = self._code(node)
        _, beside = self._hooks(node)
        return Reached({**beside.through, **in_code.through})

    def _code(self, node: DbtNode) -> tuple[Reading, Reached, Reading]:
        """Give what the code reads, the macros that it reaches, and what both read."""
        definition = node.definition
        if definition.language == "python":
            text = read_python(definition.raw_code)
            return text, Reached({}), text
        text = self.index.read(definition.raw_code)
        for argument in _texts_in(definition.arguments):
            text |= self.index.read(argument)
        reached = self.index.reached(text, definition.macros)
        return text, reached, self.index.reading_of(reached, text)

    def _beside(self, node: DbtNode) -> tuple[Reading, Parts]:
        """Give what hooks read, and the parts of hooks and of a materialization of the project's own."""
        hooks = hooks_of(node.definition.config)
        reading, reached = self._hooks(node)
        reading = self.index.reading_of(reached, reading)
        found = self._asked.parts(reading, reached, node)
        for key in dict.fromkeys(key for key, _ in hooks):
            found[f"hook:{key}"] = digest_of([hook for its_key, hook in hooks if its_key == key])
        return reading, found

    def _hooks(self, node: DbtNode) -> tuple[Reading, Reached]:
        """Give what hooks read, and the macros that they or a materialization of the project's own reach."""
        reading = NOTHING
        for _, hook in hooks_of(node.definition.config):
            for text in _texts_in(hook):
                reading |= self.index.read(text)
        of_materialization = self.index.materialization(node.materialized).through
        return reading, Reached({**self.index.reached(reading).through, **of_materialization})

    def _shared_by(self, node: DbtNode) -> Parts:
        """Give the parts that every node of a package has."""
        found = self._shared.get(node.package)
        if found is None:
            found = {"adapter": digest_of([self._manifest.adapter_type, dict(self._around.versions)])}
            found |= {f"setting:{name}": digest_of([value]) for name, value in self._around.settings.items()}
            overriding = self.index.everywhere
            found |= self._asked.parts(self.index.reading_of(overriding, NOTHING), overriding, node)
            hooks, reading, reached = self.index.at_start
            if hooks:
                found["hook:on-run-start"] = digest_of(list(hooks))
                found |= self._asked.parts(self.index.reading_of(reached, reading), reached, node)
            found.pop("metadata", None)  # of one node; an override that reads it reads it of each node's own build
            self._shared[node.package] = found
        return found

    def _parent_parts(self, node: DbtNode, parents: Mapping[NodeId, str]) -> Parts:
        found = {}
        for parent in node.parents:
            source = self._manifest.sources.get(parent)
            if source is not None:
                found[f"relation:{parent}"] = digest_of([str(source.relation), source.reading])
                found[f"parent:{parent}"] = digest_of(self._around.data_versions.get(parent, UNKNOWN))
            elif parent in parents:
                found[f"parent:{parent}"] = parents[parent]
        return found

    def _volatile(self, node: DbtNode, text: Reading, reached: Reached, hooks: Reading) -> Finding | None:
        found = self._first(node, text.volatile, reached, lambda reading: reading.volatile)
        if found is None and hooks.volatile:
            found = Finding(what=f"{hooks.volatile[0][0]} in a hook", path=node.path)
        return found

    def _at_run_time(self, node: DbtNode, text: Reading, reached: Reached) -> Finding | None:
        return self._first(node, text.asks, reached, lambda reading: reading.asks)

    def _first(self, node: DbtNode, own: Found, reached: Reached, of: Callable[[Reading], Found]) -> Finding | None:
        """Give the first finding: in the code, else in a macro that it reaches."""
        if own:
            return Finding(what=own[0][0], path=node.path, line=own[0][1])
        for unique_id in reached.through:
            macro = self.index.macros[unique_id]
            found = of(self.index.read(macro.code))
            if found:
                return Finding(what=f"{found[0][0]} in the macro {macro.name}", path=macro.path)
        return None


def _own_parts(node: DbtNode, around: Surroundings) -> Parts:
    """Give the parts that the node's own entry has beside code and configuration."""
    definition, config = node.definition, node.definition.config
    found = {}
    if node.relation is not None:
        found["relation"] = digest_of(f"{node.relation.database}.{node.relation}")
    if definition.arguments:
        found["arguments"] = digest_of(definition.arguments)
    if node.resource_type is ResourceType.SEED:
        found["seed"] = digest_of(definition.checksum or around.seed_content(node))
    contract = config.get("contract")
    if isinstance(contract, Mapping) and contract.get("enforced"):
        # In their order, which is that of the table's columns.
        columns = [[name, _typed(column)] for name, column in definition.columns.items()]
        found["contract"] = digest_of([dict(contract), columns, list(definition.constraints)])
    kept = config.get("persist_docs")
    if isinstance(kept, Mapping) and any(kept.values()):
        told = {name: _described(column) for name, column in definition.columns.items()}
        of_relation = definition.description if kept.get("relation") else None
        found["docs"] = digest_of([of_relation, told if kept.get("columns") else None])
    return found


def _typed(column: object) -> object:
    if not isinstance(column, Mapping):
        return column
    return {key: column.get(key) for key in ("data_type", "quote", "constraints")}


def _described(column: object) -> object:
    return column.get("description") if isinstance(column, Mapping) else None


def _texts_in(value: object) -> list[str]:
    """Give the texts inside a value of JSON in which Jinja may be."""
    match value:
        case str():
            return [value] if "{" in value else []
        case Mapping():
            return [text for inner in value.values() for text in _texts_in(inner)]
        case list() | tuple():
            return [text for inner in value for text in _texts_in(inner)]
        case _:
            return []


def _declared(node: DbtNode) -> Finding:
    return Finding(what="declared by meta.elt.volatile", path=node.path)
