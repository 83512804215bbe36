"""Makes the fingerprints of dbt nodes. Pure: the same project and surroundings give the same fingerprints."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.reuse.fingerprints.asked import Asked, metadata_digest
from orchestrator.reuse.fingerprints.config_keys import (
    config_parts,
    declared_deterministic,
    declared_volatile,
    hooks_of,
)
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.fragments import untaken_findings
from orchestrator.reuse.fingerprints.hooks import hook_findings
from orchestrator.reuse.fingerprints.macros import NO_NEEDS, Closure, MacroIndex, Needs, Reached, together
from orchestrator.reuse.fingerprints.outside_findings import outside_findings
from orchestrator.reuse.fingerprints.own_parts import own_parts, texts_in
from orchestrator.reuse.fingerprints.python_code import read_python
from orchestrator.reuse.fingerprints.reading_value import TextReading
from orchestrator.reuse.fingerprints.result_identity import IDS_OF, groups_of, own_of
from orchestrator.reuse.fingerprints.surroundings import Surroundings, limits_for, shown_vars
from orchestrator.reuse.fingerprints.text_readings import TextReadings
from orchestrator.reuse.fingerprints.value import Finding, Fingerprint, PartGroup, Parts, SourceVersion

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
_NOT_COMPILED = frozenset({ResourceType.SEED, ResourceType.UNIT_TEST})  # dbt has no compiled code of them
_HAVE_A_STATEMENT = frozenset({ResourceType.MODEL, ResourceType.SNAPSHOT, ResourceType.TEST, ResourceType.UNIT_TEST})
UNKNOWN = "unknown"
_NO_VERSIONS: Mapping[NodeId, SourceVersion] = {}
_OF_THE_BUILD = ("execute in ", "model.compiled_code in ", "model.compiled_sql in ", "model.arguments in ")
"""What a macro queries during a build that is covered by other parts of the fingerprint."""


def has_fingerprint(node: DbtNode | None) -> bool:
    """Return whether a node has a fingerprint: dbt builds or tests it."""
    return node is not None and node.resource_type in FINGERPRINTED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    """What a node's code needs by itself, the macros that it calls, and what all of them need."""

    own: Needs = NO_NEEDS
    roots: tuple[NodeId, ...] = ()
    all: Needs = NO_NEEDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alone:
    """The parts of a node's fingerprint that do not depend on its parents. They do not change within a process."""

    code: _Code
    hooks: _Code
    rendered: Mapping[str, str]
    of_code: tuple[PartGroup, ...]
    built: Mapping[str, str]
    of_build: tuple[PartGroup, ...]
    not_understood: tuple[Finding, ...]


class Fingerprinter:
    """Makes the fingerprints of nodes, and caches what it has read.

    Planning makes each fingerprint, and the run makes it again when the node's parents have finished.
    """

    def __init__(self, manifest: Manifest, around: Surroundings, readings: TextReadings | None = None) -> None:
        self.index = MacroIndex(manifest, around.changing_flags, readings)
        self._manifest = manifest
        self._around = around
        self._asked = Asked(self.index, around)
        self._shared: dict[str, PartGroup] = {}  # by package: each sees vars of its own
        self._alone: dict[NodeId, _Alone] = {}

    def make(
        self,
        node: DbtNode,
        parents: Mapping[NodeId, str],
        made: Mapping[NodeId, Fingerprint],
        versions: Mapping[NodeId, SourceVersion] = _NO_VERSIONS,
    ) -> Fingerprint:
        """Return the fingerprint of one node.

        `parents` are the identities of its parents, `made` their fingerprints, and `versions` the row versions of dbt
        sources. A source without a version is unknown.
        """
        alone, inlined = self._of(node), self._inlined(node, made)
        code, hooks = alone.code, alone.hooks
        rendered, of_code, of_build = dict(alone.rendered), alone.of_code, alone.of_build
        built = {**alone.built, **self._parent_parts(node, parents, versions)}
        for parent in inlined:  # its code is text in the SQL of its children
            (rendered if parent.rendered else built)[f"parent:{parent.node}"] = _inlined_digest(parent)
            built |= {name: part for name, part in own_of(parent.built).items() if _is_of_a_parent(name)}
        if code.all.beside_the_sql or node.resource_type in _NOT_COMPILED:  # comparing compiled code proves nothing
            built = {**rendered, "code": self.index.readings.bare_code_digest(node.definition.raw_code), **built}
            rendered, of_code, of_build = {}, (), (*of_code, *of_build)
        sources = [parent for parent in node.parents if parent in self._manifest.sources]
        found = Fingerprint(
            node=node.unique_id,
            rendered=Parts(rendered, of_code),
            built=Parts(built, of_build),
            unknown=frozenset(parent for parent in sources if parent not in versions).union(
                *(parent.unknown for parent in inlined)
            ),
            volatile=_first(
                code.all.volatile,
                hooks.all.volatile,
                (one.volatile for one in inlined if one.volatile is not None),
            ),
            at_run_time=_first(code.all.asks, (one.at_run_time for one in inlined if one.at_run_time is not None)),
            not_understood=(*alone.not_understood, *(finding for one in inlined for finding in one.not_understood)),
            has_statement=node.resource_type in _HAVE_A_STATEMENT
            and node.definition.language != "python"
            and not node.is_ephemeral,
        )
        return _declared(node, found)

    def _of(self, node: DbtNode) -> _Alone:
        found = self._alone.get(node.unique_id)
        if found is None:
            code, hooks = self._code(node), self._hooks(node)
            (rendered, of_code), (built, of_build) = self._rendered(code, node), self._built(node, hooks)
            found = self._alone[node.unique_id] = _Alone(
                code=code,
                hooks=hooks,
                rendered=rendered,
                of_code=of_code,
                built=built,
                of_build=of_build,
                not_understood=tuple(self._not_understood(node, code, hooks)),
            )
        return found

    def reached_by(self, node: DbtNode) -> Reached:
        """Return every macro that a node's code, hooks and materialization can reach, each by the shortest path."""
        in_code = self._reached(self._code(node).roots)
        beside = [self._reached(self._hooks(node).roots), *(one.reached.through for one in self._materialized_by(node))]
        found: dict[NodeId, NodeId | None] = {}
        for through in (in_code, *beside):
            for macro, caller in through.items():
                found.setdefault(macro, caller)
        return Reached(found)

    def _reached(self, roots: tuple[NodeId, ...]) -> dict[NodeId, NodeId | None]:
        found: dict[NodeId, NodeId | None] = dict.fromkeys(roots)
        for root in roots:
            for macro, caller in self.index.closure(root).reached.through.items():
                found.setdefault(macro, caller)
        return found

    def _code(self, node: DbtNode) -> _Code:
        definition = node.definition
        if definition.language == "python":
            own = self.index.needs_of(read_python(definition.raw_code), node.path)
            return _Code(own=own, all=own)
        arguments = [self.index.readings.of_argument(text) for text in texts_in(definition.arguments)]
        return self._of_readings([self.index.read(definition.raw_code), *arguments], node, definition.macros)

    def _hooks(self, node: DbtNode) -> _Code:
        """Return what dbt renders when it builds the node: its hooks, and configuration that contains Jinja."""
        readings = [self.index.read(text) for text in texts_in(node.definition.config)]
        return self._of_readings(readings, node) if readings else _Code()

    def _of_readings(self, readings: list[TextReading], node: DbtNode, called: tuple[NodeId, ...] = ()) -> _Code:
        roots = dict.fromkeys(root for reading in readings for root in self.index.roots(reading))
        roots |= dict.fromkeys(macro for macro in called if macro in self.index.macros)
        own = together(self.index.needs_of(reading, node.path) for reading in readings)
        closures = (self.index.closure(root).needs for root in roots)
        return _Code(own=own, roots=tuple(roots), all=together((own, *closures)))

    def _rendered(self, code: _Code, node: DbtNode) -> tuple[dict[str, str], tuple[PartGroup, ...]]:
        own = {"code": digest_of(node.definition.raw_code), **self._asked.of(code.own, node.package)}
        if code.all.own_entry:
            own["metadata"] = metadata_digest(node)
        return own, tuple(self._asked.group(self.index.closure(root), node.package) for root in code.roots)

    def _built(self, node: DbtNode, hooks: _Code) -> tuple[dict[str, str], tuple[PartGroup, ...]]:
        materialized_by = self._materialized_by(node)
        own = {
            **self._asked.of(hooks.own, node.package),
            **dict(config_parts(node.definition.config)),
            **limits_for(node, self._manifest, self._around),
            **own_parts(node, self._around),
        }
        if node.definition.language == "python":
            own["python"] = digest_of(dict(self._around.python_versions))  # packages compute the rows
        own_hooks = hooks_of(node.definition.config)
        for key in dict.fromkeys(key for key, _ in own_hooks):
            own[f"hook:{key}"] = digest_of([hook for its_key, hook in own_hooks if its_key == key])
        beside = (*materialized_by, *self.index.everywhere)
        if hooks.all.own_entry or any(closure.needs.own_entry for closure in beside):
            own["metadata"] = metadata_digest(node)
            own["code"] = digest_of(node.definition.raw_code)  # the node's entry contains its code too
        groups = [self._shared_by(node.package)]
        groups += [self._asked.group(self.index.closure(root), node.package) for root in hooks.roots]
        groups += [self._asked.group(closure, node.package) for closure in materialized_by]
        return own, tuple(groups)

    def _materialized_by(self, node: DbtNode) -> tuple[Closure, ...]:
        """Return what the node's materialization can reach, other than known macros of dbt."""
        name = {ResourceType.UNIT_TEST: "unit"}.get(node.resource_type, node.materialized)  # as dbt calls theirs
        return self.index.materialization(name)

    def _shared_by(self, package: str) -> PartGroup:
        """Return the parts that all nodes of a package share."""
        found = self._shared.get(package)
        if found is None:
            around, index, asked = self._around, self.index, self._asked
            parts = {"adapter": digest_of([self._manifest.adapter_type, dict(around.versions)])}
            parts |= around.setting_parts()
            for closure in index.everywhere:  # dbt may call them for any node
                parts |= asked.group(closure, package).parts
            hooks, roots = index.at_start
            if hooks:  # they may create what models call
                parts["hook:on-run-start"] = digest_of(list(hooks))
                for text in hooks:
                    parts |= asked.of(index.read(text), package)
                for root in roots:
                    parts |= asked.group(index.closure(root), package).parts
            found = self._shared[package] = PartGroup(parts=parts)
        return found

    def _inlined(self, node: DbtNode, made: Mapping[NodeId, Fingerprint]) -> list[Fingerprint]:
        """Return the fingerprints of the ephemeral models that dbt inlines into a node's SQL."""
        parents = (self._manifest.nodes.get(parent) for parent in node.parents)
        return [
            made[one.unique_id] for one in parents if one is not None and one.is_ephemeral and one.unique_id in made
        ]

    def _parent_parts(
        self, node: DbtNode, parents: Mapping[NodeId, str], versions: Mapping[NodeId, SourceVersion]
    ) -> dict[str, str]:
        found = {}
        for parent in node.parents:
            source = self._manifest.sources.get(parent)
            if source is not None:
                version = versions.get(parent)
                found[f"relation:{parent}"] = digest_of([str(source.placed), source.reading])
                found[f"parent:{parent}"] = digest_of(UNKNOWN if version is None else version.rows)
                if version is not None and version.ids:
                    found[f"{IDS_OF}{parent}"] = digest_of(version.ids)
            elif parent in parents and not self._manifest.nodes[parent].is_ephemeral:  # inlined in `make`
                found[f"parent:{parent}"] = parents[parent]
        return found

    def _not_understood(self, node: DbtNode, code: _Code, hooks: _Code) -> Iterator[Finding]:
        yield from outside_findings(node, self._around)
        yield from code.all.unknown
        yield from hooks.all.unknown
        for asks in hooks.all.asks:  # hooks are not compiled before the run, so their text cannot be compared
            yield replace(asks, what=f"{asks.what} in a hook")
        values = shown_vars(self._around, node.package)
        yield from hook_findings(node, self.index, self._manifest.adapter_type, values)
        if code.all.beside_the_sql and node.definition.language != "python":
            yield from untaken_findings(node, self.index, self._manifest.adapter_type)
        for closure in self._materialized_by(node):
            asked = [one for one in closure.needs.asks if not one.what.startswith(_OF_THE_BUILD)]
            yield from (*closure.needs.unknown, *asked, *closure.needs.volatile)
        if node.resource_type is ResourceType.UNIT_TEST:  # a unit test runs the code of its model
            model = self._manifest.nodes.get(node.parents[0]) if node.parents else None
            of_model = self._code(model).all if model is not None else NO_NEEDS
            yield from (*of_model.unknown, *of_model.asks, *of_model.volatile)


def _declared(node: DbtNode, found: Fingerprint) -> Fingerprint:
    """Return the fingerprint with `meta.elt.volatile` and `meta.elt.deterministic` applied."""
    volatile = declared_volatile(node.definition.config)
    if volatile:
        return replace(found, volatile=found.volatile or Finding(what="declared by meta.elt.volatile", path=node.path))
    if volatile is False or declared_deterministic(node.definition.config):
        return replace(found, volatile=None, not_understood=(), is_declared=True)  # the project vouches for it
    return found


def _first(*found: Iterable[Finding]) -> Finding | None:
    return next((finding for some in found for finding in some), None)


def _is_of_a_parent(part: str) -> bool:
    return part.startswith(("parent:", "relation:", IDS_OF))


def _inlined_digest(parent: Fingerprint) -> str:
    """Return the digest of what an ephemeral model adds to the SQL of its child: all parts but those of its parents."""
    own = {name: part for name, part in own_of(parent.built).items() if not _is_of_a_parent(name)}
    groups = sorted(group.digest for parts in (parent.rendered, parent.built) for group in groups_of(parts))
    return digest_of([dict(own_of(parent.rendered)), own, groups])
