"""Decides which tables built by plain dbt are adopted: those that provably equal what a run would build now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.nodes.run_results import DbtResult, DbtRun
from orchestrator.reuse.facts import VIEW, Content
from orchestrator.reuse.fingerprints.compare import ComparisonVerdict, compare, with_compiled
from orchestrator.reuse.fingerprints.value import Fingerprint

CHECKS = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST})
ADOPTABLE = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, *CHECKS})
_DONE = {ResourceType.TEST: frozenset({"pass", "warn"}), ResourceType.UNIT_TEST: frozenset({"pass"})}
_KEPT = frozenset({"table", "view", "incremental"})
_NOT_SHOWN = ("var:", "env:", "flag:", "target")


class RulingAct(StrEnum):
    """What adoption does with a node."""

    ADOPT = "adopt"
    COMPARE = "compare"  # adopted if a copy that is built now is equal
    KNOWN = "known"  # elt has a record of it already: nothing to do
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What adoption does with a node, and why."""

    act: RulingAct
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Facts that apply to every node."""

    run: DbtRun
    refusal: str = ""
    """Why no result of the run can be adopted; empty if some may be."""
    file_doubt: str = ""
    """Why something else may have written to the database since the run; empty if that is impossible."""
    verify: bool = False
    """Whether tables may be built again to compare them."""
    adapter: str = "duckdb"
    project: str = ""
    """The package name of the project itself."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """The current value of every flag as text, by name."""
    vars_are_same: bool = True
    """Whether the run used the same `--vars`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about one node."""

    node: DbtNode
    result: DbtResult | None
    """Its result in the run; None if the run did not contain it."""
    relation_name: str | None = None
    """The current name of its relation in dbt."""
    then: Fingerprint | None = None
    """Its fingerprint by the manifest of the run, without its parents; None if it is not in that manifest."""
    now: Fingerprint
    """The same by the current project."""
    made: Fingerprint
    """The fingerprint to record on adoption: with its parents, the versions of its sources and its statement."""
    codes: tuple[str, ...] = ()
    """What it compiles to now; for an incremental model, both as a full and as an incremental build."""
    why_statement: str = ""
    """What is not understood in its compiled statement; empty if all of it is."""
    is_known: bool = False
    """Whether a run of elt would already reuse it."""
    is_doubted: bool = False
    """Whether a verification found that it differs from what it builds to."""
    content: Content | None = None
    """The content of its relation; None if it does not exist."""
    open_parents: tuple[NodeId, ...] = ()
    """Its parents that are neither adopted nor already known."""
    unversioned: Mapping[NodeId, str] = field(default_factory=dict)
    """The sources whose rows have no version, each with the reason."""
    outside: str = ""
    """Why the database file does not prove that its relation and what it reads are unchanged."""
    can_compare: bool = False
    """Whether a copy of it can be built without side effects."""


def decide(evidence: Evidence, terms: Terms) -> Ruling:
    """Return the ruling on a node. Parents must be decided before their children."""
    if evidence.is_known:  # before any refusal: nothing has to be proven
        return Ruling(act=RulingAct.KNOWN, reason="already known to elt")
    why = next(filter(None, _refusals(evidence, terms)), "")
    if why:
        return Ruling(act=RulingAct.REFUSE, reason=why)
    node = evidence.node
    # A doubt can be removed by a comparison of rows; a refusal above cannot.
    doubt = _not_shown(evidence, terms) or terms.file_doubt or evidence.outside or _left_elsewhere(node)
    # The file of a seed may have changed since the run, and no artifact has its bytes.
    if node.resource_type is ResourceType.SEED:
        if evidence.can_compare:
            return Ruling(act=RulingAct.COMPARE, reason="equal to what its file holds now")
        return Ruling(
            act=RulingAct.REFUSE, reason="it cannot be loaded once more to compare it with its file: it has hooks"
        )
    if not doubt:
        return Ruling(act=RulingAct.ADOPT, reason="nothing has written to the database since that run")
    if evidence.can_compare and node.materialized == "view":  # cheap: no rows are read, so --verify is not needed
        return Ruling(act=RulingAct.COMPARE, reason="its definition is what it would be now")
    if evidence.can_compare and terms.verify:
        return Ruling(act=RulingAct.COMPARE, reason="equal to a copy that was built now")
    hint = "; --verify can show that it is equal to a copy" if evidence.can_compare else ""
    return Ruling(act=RulingAct.REFUSE, reason=f"{doubt}{hint}")


def _refusals(evidence: Evidence, terms: Terms) -> Iterator[str]:
    """Yield the reasons to refuse that no comparison of rows can remove, or empty texts."""
    yield terms.refusal
    yield from _of_result(evidence)
    yield _not_understood(evidence)
    yield from _of_definition(evidence, terms)
    yield evidence.why_statement
    yield from (f"its parent {short_name(one)} is not adopted" for one in evidence.open_parents)
    yield _unreadable(evidence)


def _of_result(evidence: Evidence) -> Iterator[str]:
    node, result = evidence.node, evidence.result
    if result is None:
        yield "that run did not contain it"
        return
    if result.status not in _DONE.get(node.resource_type, frozenset({"success"})):
        yield f"it ended as {result.status} in that run"
    batches = result.record.get("batch_results") or {}
    if isinstance(batches, Mapping) and batches.get("failed"):
        yield "some of its batches failed in that run"
    if node.resource_type in CHECKS and node.placed is None:
        return
    if evidence.content is None:
        yield f"{node.placed} does not exist"
    if result.relation_name not in {None, evidence.relation_name}:
        yield f"that run built {result.relation_name}, and it is {evidence.relation_name} now"
    if evidence.is_doubted:
        yield "it was found to differ from what it builds to"


def _of_definition(evidence: Evidence, terms: Terms) -> Iterator[str]:
    if evidence.then is None or evidence.result is None:
        yield "the manifest of that run does not have it"
        return
    found = compare(evidence.now, evidence.then)
    changed = ", ".join(_in_words(change.part) for change in found.changes[:3])
    if found.verdict is ComparisonVerdict.DIFFERENT:
        yield f"changed since that run: {changed}"
    if not terms.vars_are_same and any(part.startswith("var:") for part in evidence.now.parts):
        yield "that run had other --vars, and it reads vars"
    if evidence.node.resource_type in {ResourceType.SEED, ResourceType.UNIT_TEST}:
        return  # dbt does not compile these
    if evidence.node.definition.config.get("incremental_strategy") == "microbatch":
        yield "the artifacts do not show which batches that run built"
    elif not evidence.codes or evidence.result.compiled_code is None:
        yield "what it was compiled to, or would be now, is not known"
    elif not _compiled_alike(evidence, evidence.result.compiled_code, terms.adapter):
        yield f"it compiles to something else than in that run{f' (changed: {changed})' if changed else ''}"


def _compiled_alike(evidence: Evidence, then: str, adapter: str) -> bool:
    language = evidence.node.definition.language
    one, *others = (
        with_compiled(evidence.now, code, adapter=adapter, language=language).compiled
        for code in (then, *evidence.codes)
    )
    return one in others


def _in_words(part: str) -> str:
    kind, parted, of = part.partition(":")
    return f"{kind} {short_name(NodeId(of)) if of.count('.') > 1 else of}" if parted else kind


def _not_understood(evidence: Evidence) -> str:
    made = evidence.made
    if made.volatile is not None:
        return f"volatile: {made.volatile}"
    if made.not_understood:
        return f"not understood: {made.not_understood[0]}"
    if made.unknown:
        source = min(made.unknown)
        why = evidence.unversioned.get(source, "they have no version")
        return f"the rows of {short_name(source)} may have changed: {why}"
    return ""


def _unreadable(evidence: Evidence) -> str:
    content = evidence.content
    if evidence.node.resource_type in CHECKS or content is None or content.kind == VIEW or content.rows is not None:
        return ""
    return f"its rows cannot be recorded: {content.why_not}"


def _not_shown(evidence: Evidence, terms: Terms) -> str:
    """Return what a node depends on that the artifacts of a run do not show; empty if they show all.

    The vars of the project are in dbt_project.yml. `file_doubt` is set if that file was written after the run began.
    """
    now = evidence.now
    vars_are_shown = not terms.file_doubt and evidence.node.package == terms.project
    settled = now.rendered.keys() - now.built.keys()  # these show in the compiled code, which was compared
    for part in sorted(now.parts.keys() - settled):
        kind, _, name = part.partition(":")
        is_shown = (kind == "var" and vars_are_shown) or (kind == "flag" and _is_same_flag(name, terms))
        if part.startswith(_NOT_SHOWN) and not is_shown:
            return f"the artifacts do not show whether {_in_words(part)} was the same"
    return ""


def _left_elsewhere(node: DbtNode) -> str:
    """Return why a node's results may be outside of the database file; empty if they are all in it."""
    if node.resource_type is not ResourceType.MODEL or node.materialized in _KEPT:
        return ""
    return f"what the materialization {node.materialized} leaves may be outside of the database file"


def _is_same_flag(name: str, terms: Terms) -> bool:
    """Return whether a flag had its current value in the run. dbt does not record arguments that are unset."""
    now = terms.flags.get(name)
    then = terms.run.args.get(name.lower())
    return now in {"None", "False"} if then is None else now == str(then)
