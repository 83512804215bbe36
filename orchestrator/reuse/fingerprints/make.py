"""Makes the fingerprints of dbt's nodes: pure, and the same for the same project and surroundings."""

from collections.abc import Callable, Mapping

from orchestrator.nodes.dbt import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.reuse.fingerprints.asked import Asked, metadata_digest
from orchestrator.reuse.fingerprints.bare_code import bare_code
from orchestrator.reuse.fingerprints.config_keys import config_parts, declared_volatile, hooks_of
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.own_parts import own_parts, texts_in
from orchestrator.reuse.fingerprints.python_code import read_python
from orchestrator.reuse.fingerprints.reach import MacroIndex, Reached
from orchestrator.reuse.fingerprints.reading import NOTHING, Found, Reading
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Finding, Fingerprint

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


class Fingerprinter:
    """Makes fingerprints one by one; remembers what it has read."""

    def __init__(self, manifest: Manifest, around: Surroundings) -> None:
        self.index = MacroIndex(manifest)
        self._manifest = manifest
        self._around = around
        self._asked = Asked(self.index, around)
        self._shared: dict[str, Parts] = {}

    def make(self, node: DbtNode, parents: Mapping[NodeId, str], made: Mapping[NodeId, Fingerprint]) -> Fingerprint:
        """Make one node's fingerprint; `parents` says what each of its parents is, `made` are their fingerprints."""
        text, reached, read = self._code(node)
        hooks, beside = self._beside(node)
        rendered = {"code": digest_of(node.definition.raw_code), **self._asked.parts(read, reached, node)}
        built = {
            **self._shared_by(node),
            **beside,
            **dict(config_parts(node.definition.config)),
            **own_parts(node, self._around),
        }
        inlined = self._inlined(node, made)
        built |= self._parent_parts(node, parents)
        for parent in inlined:
            parts = rendered if parent.rendered else built
            parts[f"parent:{parent.node}"] = _inlined_digest(parent)
            built |= {name: part for name, part in parent.built.items() if _is_of_a_parent(name)}
        if read.beside_the_sql or node.resource_type in _NOT_COMPILED:
            built = {**rendered, "code": digest_of(bare_code(node.definition.raw_code)), **built}
        sources = [parent for parent in node.parents if parent in self._manifest.sources]
        volatile, at_run_time = self._volatile(node, text, reached, hooks), self._first_that_asks(node, text, reached)
        return Fingerprint(
            node=node.unique_id,
            rendered={name: part for name, part in rendered.items() if name not in built},
            built=built,
            unknown=frozenset(parent for parent in sources if parent not in self._around.data_versions).union(
                *(parent.unknown for parent in inlined)
            ),
            volatile=_declared(node, volatile or next(filter(None, (parent.volatile for parent in inlined)), None)),
            at_run_time=at_run_time or next(filter(None, (parent.at_run_time for parent in inlined)), None),
        )

    def _inlined(self, node: DbtNode, made: Mapping[NodeId, Fingerprint]) -> list[Fingerprint]:
        """Give the fingerprints of the ephemeral models that are written into a node's SQL."""
        parents = (self._manifest.nodes.get(parent) for parent in node.parents)
        return [
            made[one.unique_id] for one in parents if one is not None and one.is_ephemeral and one.unique_id in made
        ]

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
        for argument in texts_in(definition.arguments):
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
            for text in texts_in(hook):
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
            self._shared[node.package] = found
        return {**found, "metadata": metadata_digest(node)} if "metadata" in found else found

    def _parent_parts(self, node: DbtNode, parents: Mapping[NodeId, str]) -> Parts:
        found = {}
        for parent in node.parents:
            source = self._manifest.sources.get(parent)
            if source is not None:
                found[f"relation:{parent}"] = digest_of([str(source.relation), source.reading])
                found[f"parent:{parent}"] = digest_of(self._around.data_versions.get(parent, UNKNOWN))
            elif parent in parents and not self._manifest.nodes[parent].is_ephemeral:
                found[f"parent:{parent}"] = parents[parent]
        return found

    def _volatile(self, node: DbtNode, text: Reading, reached: Reached, hooks: Reading) -> Finding | None:
        found = self._first(node, text.volatile, reached, lambda reading: reading.volatile)
        if found is None and hooks.volatile:
            found = Finding(what=f"{hooks.volatile[0][0]} in a hook or a materialization", path=node.path)
        return found

    def _first_that_asks(self, node: DbtNode, text: Reading, reached: Reached) -> Finding | None:
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


def _declared(node: DbtNode, found: Finding | None) -> Finding | None:
    """Give what was found, unless `meta.elt.volatile` says more or less."""
    said = declared_volatile(node.definition.config)
    if said is None:
        return found
    return (found or Finding(what="declared by meta.elt.volatile", path=node.path)) if said else None


def _is_of_a_parent(part: str) -> bool:
    return part.startswith(("parent:", "relation:"))


def _inlined_digest(parent: Fingerprint) -> str:
    """Give the digest of what an ephemeral model brings into another's SQL: all but what it reads itself."""
    own = {name: part for name, part in parent.built.items() if not _is_of_a_parent(name)}
    return digest_of([dict(parent.rendered), own])
