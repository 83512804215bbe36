"""Says of each node whether what stands of it is its result still: in an order in which its parents come first."""

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from orchestrator.nodes.dbt import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.plan.step import StepId
from orchestrator.reuse.fingerprints.compare import Change, Comparison, Verdict, compare, with_compiled
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.identity import (
    Nature,
    as_definition,
    data_parts,
    definition_digest,
    definition_of,
    identity,
    nature_of,
    seen_through,
)
from orchestrator.reuse.fingerprints.make import FINGERPRINTED
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.past import Found, Past
from orchestrator.reuse.standing import Standing

_MOST_TOLD = 3
_PLACE = "relation"
_LEAVE_NOTHING = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST, ResourceType.EXPECTATION})


class Code(Protocol):
    """Compiles nodes, and remembers what they were compiled to."""

    def now(self, node: NodeId) -> str | None:
        """Give what a node compiles to now; None when it cannot be compiled."""

    def then(self, node: NodeId, run_id: str) -> str | None:
        """Give what it was compiled to in a run, when that is still known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is judged: the nodes, how their fingerprints are made, and where versions of data come from."""

    manifest: Manifest
    make: Callable[[NodeId, Mapping[NodeId, str], Mapping[NodeId, Fingerprint]], Fingerprint]
    """Makes the fingerprint of a node, or of a suite, from what its parents are and their fingerprints."""
    parents: Callable[[NodeId], tuple[NodeId, ...]]
    """What a node reads; of a dbt source what writes its table."""
    version: Callable[[NodeId], str | None]
    """Gives the version of the data of a dbt source that no node of dbt writes; None when nobody knows it."""
    versions: MutableMapping[NodeId, str]
    """Where `make` finds the versions."""
    tell: Callable[[NodeId, Change], str]
    """Puts a change into words."""
    code: Code
    run_id: str
    """What is built now is another thing than what was built before, where that cannot be told by its inputs."""
    drops_views: bool = False
    """Whether building a table anew drops the views on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found of a node."""

    fingerprint: Fingerprint
    why: str
    """Why it must run; empty when what stands is its result still."""
    changed: str
    """What changed since it stood, where something did."""
    then: Standing | None
    left: str | None
    """What it is to its children when it is left as it is; None when nobody knows."""
    built: str
    """What it is to them when it is built now."""


@dataclass(slots=True)
class Judge:
    """Asked of each node when those that it reads have been settled: left as they are, or built."""

    project: Project
    past: Past
    planned: frozenset[NodeId]
    """Nodes that are settled by whoever asks; all others are left as they are."""
    known: dict[NodeId, str] = field(default_factory=dict)
    """What each settled node is to its children."""
    made: dict[NodeId, Fingerprint] = field(default_factory=dict)
    comparisons: dict[NodeId, Comparison] = field(default_factory=dict)
    _settled: set[NodeId] = field(default_factory=set)
    _rebuilt: set[NodeId] = field(default_factory=set)
    _compiled: dict[NodeId, str | None] = field(default_factory=dict)

    def look(self, node: NodeId, *, compiles: bool = True, asks: bool = False) -> Judged:
        """Judge a node; `compiles` where only that can tell, `asks` also where compiling asks the warehouse."""
        self._settle_above(node)
        made = self.made[node] = self.project.make(node, self._parents_of(node), self.made)
        dbt = self.project.manifest.nodes.get(node)
        nature = Nature.FOLLOWS if dbt is None else nature_of(dbt)
        found = self._found(node, dbt, made)
        then = found.then
        same_definition = same = False
        if then is not None:
            same_definition = self._compare(made, then, compiles=compiles, asks=asks)
            same = same_definition and (nature is Nature.SEES_THROUGH or not _data_changed(made, then))
            if same_definition and not same:
                self.comparisons[node] = replace(self.comparisons[node], verdict=Verdict.DIFFERENT)
        unknown = self._unknown(node, made)
        changed = self._changes(node, made, then, same=same)
        why = found.why or unknown or changed or self._dropped(node, nature)
        definition = definition_digest(made)
        if same_definition and then is not None:
            definition = definition_of(then.identity)
        return Judged(
            fingerprint=made,
            why=why,
            changed=changed,
            then=then,
            left=self._left(made, found, nature, steady=not unknown),
            built=self._built(
                made, then if same else None, definition, nature, steady=not unknown and not found.is_doubted
            ),
        )

    def leave(self, node: NodeId, judged: Judged | None = None) -> None:
        """Settle a node that stays as it is."""
        left = (judged or self.look(node, compiles=False)).left
        self._settled.add(node)
        if left is not None:
            self.known[node] = left

    def build(self, node: NodeId, judged: Judged) -> None:
        """Settle a node that was built now."""
        self._settled.add(node)
        self._rebuilt.add(node)
        self.known[node] = judged.built

    def _settle_above(self, node: NodeId) -> None:
        """Settle what the node reads and what nobody plans to build, from the top."""
        stack = [node]
        while stack:
            missing = [parent for parent in self.project.parents(stack[-1]) if self._is_open(parent)]
            if missing:
                stack += missing
            else:
                settled = stack.pop()
                if settled != node and self._is_open(settled):
                    self._settle(settled)

    def _is_open(self, node: NodeId) -> bool:
        return node not in self._settled and node not in self.planned

    def _settle(self, node: NodeId) -> None:
        if node in self.project.manifest.sources:
            self._settled.add(node)
            version = self._version(node)
            if version is not None:
                self.project.versions[node] = version
        elif _has_fingerprint(self.project.manifest.nodes.get(node)):
            self.leave(node)
        else:
            self._settled.add(node)

    def _version(self, source: NodeId) -> str | None:
        producers = [one for one in self.project.parents(source) if one in self.project.manifest.nodes]
        if not producers:
            return self.project.version(source)
        found = [self.known.get(one) for one in producers]
        return None if None in found else " ".join(filter(None, found))

    def _parents_of(self, node: NodeId) -> Mapping[NodeId, str]:
        """Give what the parents are; a unit test comes before its model, and takes it as it will be."""
        dbt = self.project.manifest.nodes.get(node)
        if dbt is None or dbt.resource_type is not ResourceType.UNIT_TEST or not dbt.parents:
            return self.known
        model = dbt.parents[0]
        if model in self._settled or not _has_fingerprint(self.project.manifest.nodes.get(model)):
            return self.known
        return ChainMap({model: self.look(model).built}, self.known)

    def _found(self, node: NodeId, dbt: DbtNode | None, made: Fingerprint) -> Found:
        leaves_nothing = dbt is None or dbt.resource_type in _LEAVE_NOTHING or dbt.is_ephemeral
        if dbt is not None and dbt.resource_type is ResourceType.FUNCTION:
            return Found(why="nobody looks whether a function is there")
        return self.past.found(StepId(node), made, None if leaves_nothing or dbt is None else dbt.relation)

    def _compare(self, now: Fingerprint, then: Standing, *, compiles: bool, asks: bool) -> bool:
        """Say whether the definition is what it was."""
        found = compare(as_definition(now), as_definition(then.fingerprint))
        needs = found.verdict is Verdict.NEEDS_COMPILING or (asks and now.at_run_time is not None)
        if needs and (now.at_run_time is None or asks) and found.verdict is not Verdict.DIFFERENT and compiles:
            found = self._compiled_alike(now, then)
        changes = compare(now, then.fingerprint).changes
        self.comparisons[now.node] = Comparison(verdict=found.verdict, changes=changes)
        return found.verdict is Verdict.SAME

    def _compiled_alike(self, now: Fingerprint, then: Standing) -> Comparison:
        node, adapter = self.project.manifest.nodes[now.node], self.project.manifest.adapter_type
        language = node.definition.language
        before = self.project.code.then(now.node, then.run_id)
        if before is None:
            return Comparison(verdict=Verdict.NEEDS_COMPILING)
        if now.node not in self._compiled or now.at_run_time is not None:
            self._compiled[now.node] = self.project.code.now(now.node)
        here = with_compiled(as_definition(now), self._compiled[now.node], adapter=adapter, language=language)
        there = with_compiled(as_definition(then.fingerprint), before, adapter=adapter, language=language)
        if here.compiled is None or here.compiled != there.compiled:
            return Comparison(verdict=Verdict.DIFFERENT)
        return compare(here, there)

    def _unknown(self, node: NodeId, made: Fingerprint) -> str:
        """Say what nobody knows of what the node reads: then no earlier result is known to be the same."""
        if made.volatile is not None:
            return f"volatile: {made.volatile}"
        if made.unknown:
            return f"nobody knows whether the rows of {short_name(min(made.unknown))} are others"
        for parent in self.project.parents(node):
            dbt = self.project.manifest.nodes.get(parent)
            if dbt is None or dbt.is_ephemeral or not _has_fingerprint(dbt) or parent in self.known:
                continue
            if parent in self._settled:
                return f"nobody knows what {short_name(parent)} holds"
        return ""

    def _changes(self, node: NodeId, made: Fingerprint, then: Standing | None, *, same: bool) -> str:
        if same or then is None:
            return ""
        changes = self.comparisons[node].changes
        if not changes:
            return "what it asks the warehouse is answered otherwise"
        own = [change for change in changes if change.part not in data_parts(made.built)]
        return "; ".join(self.project.tell(node, change) for change in (own or changes)[:_MOST_TOLD])

    def _dropped(self, node: NodeId, nature: Nature) -> str:
        if nature is not Nature.SEES_THROUGH or not self.project.drops_views:
            return ""
        anew = next((one for one in self.project.parents(node) if one in self._rebuilt), None)
        return f"{short_name(anew)} is made anew, which drops the views on it" if anew else ""

    def _left(self, made: Fingerprint, found: Found, nature: Nature, *, steady: bool) -> str | None:
        is_elsewhere = found.then is not None and found.then.fingerprint.built.get(_PLACE) != made.built.get(_PLACE)
        if found.holds is None or is_elsewhere or nature is not Nature.SEES_THROUGH:
            return None if is_elsewhere else found.holds
        names = data_parts(made.built if found.then is None else found.then.fingerprint.built)
        now = {name: self._part_now(name, made) for name in names}
        if not steady or None in now.values():
            return None
        return seen_through(definition_of(found.holds), {name: part for name, part in now.items() if part})

    def _part_now(self, name: str, made: Fingerprint) -> str | None:
        if name in made.built:
            return made.built[name]
        parent = NodeId(name.partition(":")[2])
        version = self.project.versions.get(parent)
        return digest_of(version) if version is not None else self.known.get(parent)

    def _built(self, made: Fingerprint, then: Standing | None, definition: str, nature: Nature, *, steady: bool) -> str:
        if not steady or nature is Nature.GATHERS:
            return identity(definition, digest_of([made.digest, self.project.run_id]))
        if nature is Nature.SEES_THROUGH:
            return seen_through(definition, data_parts(made.built))
        return then.identity if then is not None else identity(definition, made.digest)


def _data_changed(now: Fingerprint, then: Standing) -> bool:
    return data_parts(now.built) != data_parts(then.fingerprint.built)


def _has_fingerprint(dbt: DbtNode | None) -> bool:
    return dbt is not None and dbt.resource_type in FINGERPRINTED
