"""Decides what follows from the rows that a load brought: its own status, and which steps it halts. Pure functions."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.config.mistakes import meant
from orchestrator.config.node_wishes import OnNoData
from orchestrator.config.repeat_settings import MetaWish, wish_in_meta
from orchestrator.config.settings import Settings
from orchestrator.execution.outcome import ErrorClass, Outcome, Part, Reason, ReasonCode
from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource
from orchestrator.nodes.dlt import is_called, load_name, names_of_load, spellings
from orchestrator.nodes.identity import NodeId, Relation, short_name
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import IngestStep, Step, StepId
from orchestrator.wording import count

EVERY = "*"
_LOADED = frozenset({Status.SUCCESS, Status.NO_DATA})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRule:
    """What a load must bring into the table of one dbt source."""

    name: str
    relation: Relation
    on_no_data: OnNoData | None = None
    """What happens if this table gets no new rows; None if only the load as a whole counts."""
    min_rows: int = 0

    def verdict(self, outcome: Outcome, usual: OnNoData) -> tuple[OnNoData, str]:
        """Return what happens to the readers of the table, and why they do not simply continue."""
        rows, brought = self._rows(outcome)
        if rows < self.min_rows:
            return OnNoData.FAIL, f"{self.name} got {count(rows, 'row')}, min_rows is {self.min_rows:,}"
        if brought or (self.on_no_data is None and outcome.status is not Status.NO_DATA):
            return OnNoData.CONTINUE, ""
        then = usual if self.on_no_data is None else self.on_no_data
        return then, f"{self.name} got no new rows, on_no_data is {then.value}"

    def _rows(self, outcome: Outcome) -> tuple[int, bool]:
        """Return the rows that the table got, and whether it got any or was replaced."""
        own = [part for part in outcome.parts if _is_of(part, self.relation)]
        rows = sum(part.rows or 0 for part in own)
        return rows, bool(rows) or any(part.detail.get("replaced") for part in own)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRules:
    """The rules of the loads of one plan."""

    on_no_data: OnNoData = OnNoData.CONTINUE
    """What happens downstream of a load that brought nothing at all, unless a rule of a source says otherwise."""
    sources: Mapping[StepId, tuple[SourceRule, ...]] = field(default_factory=dict)
    """The tables that each load feeds."""

    def judged(self, outcome: Outcome) -> Outcome:
        """Return the outcome of a load as a failure if it brought too few rows; any other outcome is unchanged."""
        if not self._is_judged(outcome):
            return outcome
        failed = [words for _, then, words in self._verdicts(outcome) if then is OnNoData.FAIL]
        if not failed and not self.sources.get(outcome.step_id) and self._nothing(outcome) is OnNoData.FAIL:
            failed = ["it brought no new rows, on_no_data is fail"]
        if not failed:
            return outcome
        return replace(
            outcome,
            status=Status.FAIL,
            error_class=ErrorClass.DATA,
            reason=Reason(code=ReasonCode.TOO_FEW_ROWS),
            message="; ".join(failed),
        )

    def halted(self, outcome: Outcome, children: tuple[Step, ...]) -> dict[StepId, ReasonCode]:
        """Return the children of a load that its rows keep from running, each with the reason.

        A load halts the readers of those tables that got too few rows, and no others.
        """
        is_fail = outcome.reason.code is ReasonCode.TOO_FEW_ROWS
        rows = replace(outcome, status=Status.NO_DATA) if is_fail and not _brought_any(outcome) else outcome
        verdicts = self._verdicts(rows)
        nothing = OnNoData.FAIL if is_fail else self._nothing(outcome)
        return {
            child.id: reason
            for child in children
            if (
                reason := _REASONS.get(
                    _worst([then for rule, then, _ in verdicts if rule.relation in child.reads], nothing)
                )
            )
        }

    def decides(self, outcome: Outcome) -> bool:
        """Return whether the rows of a load decide what follows, and not its status alone."""
        return outcome.reason.code is ReasonCode.TOO_FEW_ROWS or self._is_judged(outcome)

    def _is_judged(self, outcome: Outcome) -> bool:
        return outcome.status in _LOADED and (outcome.step_id in self.sources or outcome.status is Status.NO_DATA)

    def _verdicts(self, outcome: Outcome) -> list[tuple[SourceRule, OnNoData, str]]:
        rules = self.sources.get(outcome.step_id, ())
        return [(rule, *rule.verdict(outcome, self.on_no_data)) for rule in rules]

    def _nothing(self, outcome: Outcome) -> OnNoData:
        """Return what happens to readers of tables that are not known before the load."""
        return self.on_no_data if outcome.status is Status.NO_DATA else OnNoData.CONTINUE


def load_rules(settings: Settings, graph: Graph, plan: Plan) -> LoadRules:
    """Return the rules of a plan's loads, from elt.yml and the `meta.elt` of the dbt sources."""
    return LoadRules(
        on_no_data=settings.on_no_data,
        sources={
            step.id: tuple(_rule(settings, graph.manifest.sources[source], step) for source in step.feeds)
            for step in plan.of(IngestStep)
            if step.feeds
        },
    )


def mistakes_of_loads(settings: Settings, graph: Graph) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each name in elt.yml that is no load or no dbt source."""
    loads = {name for one in graph.ingest.values() for name in (one.source, load_name(one.source, one.resource))}
    sources = {name for one in graph.manifest.sources.values() for name in (one.source_name, _full_name(one))}
    for name, wish in settings.refresh_every.items():
        if name != EVERY and not _is_load(name, graph):
            told = f"'ingestion.refresh_every.{name}': there is no such load{meant(name, tuple(sorted(loads)))}"
            yield wish.line, told
    for name, no_data in settings.on_no_data_of.items():
        if name not in sources and not _is_load(name, graph):
            known = meant(name, tuple(sorted(sources | loads)))
            yield no_data.line, f"'on_no_data.{name}': there is no such dbt source and no such load{known}"


def mistakes_of_kind(node: DbtNode | DbtSource) -> Iterator[str]:
    """Yield the keys of `meta.elt` that do not belong to a node of this kind."""
    is_source, own = isinstance(node, DbtSource), node.meta.get("elt")
    for key in ("on_no_data", "min_rows") if not is_source else ("freshness_policy",):
        if isinstance(own, Mapping) and key in own:
            yield f"'meta.elt.{key}' belongs to a {'model' if is_source else 'dbt source'}"


def mistakes_of_pools(graph: Graph, pools: Collection[str], metas: Mapping[NodeId, MetaWish]) -> dict[NodeId, str]:
    """Return, by node, what is wrong with its `meta.elt.pool`."""
    found = {
        node: f"'meta.elt.pool' is '{wish.pool}': elt.yml has no such pool{meant(wish.pool, tuple(pools))}; "
        f"write `pools: {{{wish.pool}: 2}}` there to run at most two of its steps at once"
        for node, wish in metas.items()
        if wish.pool is not None and wish.pool not in pools
    }
    first: dict[str, NodeId] = {}  # by the dlt source whose resources a load brings together
    for ingest in graph.ingest.values():
        for node in graph.needs.children(ingest.unique_id):
            wish = metas.get(node)
            if wish is None or wish.pool is None or node in found:
                continue
            other = first.setdefault(ingest.source, node)
            if metas[other].pool != wish.pool:
                found[node] = (
                    f"'meta.elt.pool' is '{wish.pool}', but the load {load_name(ingest.source)} also fills "
                    f"{short_name(other)}, which is in the pool '{metas[other].pool}'; a load is in one pool"
                )
    return found


def _rule(settings: Settings, source: DbtSource, step: IngestStep) -> SourceRule:
    names = (
        source.source_name,
        *(word for name in names_of_load(step.source, step.pipeline, ()) for word in spellings(name)),
        _full_name(source),
    )
    named = [settings.on_no_data_of[name].then for name in names if name in settings.on_no_data_of]
    own = wish_in_meta(source.meta)
    return SourceRule(
        name=_full_name(source),
        relation=source.placed,
        on_no_data=own.on_no_data or (named[-1] if named else None),
        min_rows=own.min_rows,
    )


def _full_name(source: DbtSource) -> str:
    return f"{source.source_name}.{source.name}"


def _is_load(name: str, graph: Graph) -> bool:
    return any(is_called(name, load.names) for load in graph.ingest.values())


def _is_of(part: Part, relation: Relation) -> bool:
    schema, _, table = part.name.rpartition(".")
    return (schema.lower(), table.lower()) == relation.key()


def _brought_any(outcome: Outcome) -> bool:
    return any(part.rows or part.detail.get("replaced") for part in outcome.parts)


def _worst(verdicts: list[OnNoData], unknown: OnNoData) -> OnNoData:
    """Return what happens to a step that reads tables with these verdicts; without any, its tables are not known."""
    return max(verdicts, key=tuple(OnNoData).index, default=unknown)


_REASONS = {OnNoData.SKIP: ReasonCode.NO_NEW_DATA, OnNoData.FAIL: ReasonCode.UPSTREAM_HALTED}
