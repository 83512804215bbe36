"""Builds the repeat and time limit rules of a plan from the defaults, elt.yml, `meta.elt` and the command line."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from orchestrator.config.dbt_state_keys import mistakes_of_state
from orchestrator.config.meta_place import place_of_meta
from orchestrator.config.mistakes import Mistakes, meant
from orchestrator.config.repeat_settings import MetaWish, OnTimeLimit, RepeatWish, wish_in_meta
from orchestrator.config.settings import Settings
from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.load_rules import mistakes_of_kind, mistakes_of_loads, mistakes_of_pools
from orchestrator.execution.repeats import RepeatPolicy
from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource
from orchestrator.nodes.dlt import is_called, load_name, spellings
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.own_step import own_step_name
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    TestStep,
    ValidationStep,
    is_hook,
)

INGEST, DBT, CHECKS, STEPS, RUN = "ingest", "dbt", "checks", "steps", "run"
DEFAULTS: Mapping[str, RepeatPolicy] = {
    INGEST: RepeatPolicy(repeats=5, first_delay=timedelta(minutes=1), time_limit=timedelta(minutes=30)),
    DBT: RepeatPolicy(repeats=2, first_delay=timedelta(seconds=5), time_limit=timedelta(hours=2)),
    CHECKS: RepeatPolicy(repeats=2, first_delay=timedelta(seconds=5), time_limit=timedelta(hours=2)),
    STEPS: RepeatPolicy(repeats=2, first_delay=timedelta(seconds=5), time_limit=timedelta(hours=2)),
}
"""The default policy of each kind of step."""
WATCHED_INGEST = replace(DEFAULTS[INGEST], repeats=2, first_delay=timedelta(seconds=5))
"""The default policy of loads in an interactive run: no user watches a terminal for half an hour."""


class AskedAttempts(Protocol):
    """The options of a command that affect the attempts of its steps."""

    @property
    def repeats(self) -> int | None:
        """The maximum number of repeats of each step, if given."""

    @property
    def time_limit(self) -> timedelta | None:
        """The time limit of the run, if given."""

    @property
    def watched(self) -> bool:
        """Whether a user is watching the run in a terminal."""


def attempt_rules(settings: Settings, graph: Graph, plan: Plan, asked: AskedAttempts) -> AttemptRules:
    """Return the policy of every step of the plan.

    Raises:
        ConfigurationError: a name or a value is wrong; the error lists every mistake.
    """
    metas = _metas(graph)
    _refuse_mistakes(settings, graph, metas)
    set_limit = settings.time_limits.get(RUN)
    run_limit = asked.time_limit if asked.time_limit is not None else set_limit.limit if set_limit else None
    return AttemptRules(
        policies={step.id: _policy(step, settings, metas, asked) for step in plan.steps},
        run_limit=run_limit or None,  # zero: no limit
    )


def kind_of(step: Step) -> str:
    """Return the kind that determines the default policy of a step."""
    match step:
        case IngestStep():
            return INGEST
        case ValidationStep() | FreshnessStep():
            return CHECKS
        case BuildStep() | TestStep() | HookStep():
            return DBT
        case OwnStep():
            return STEPS


def _policy(step: Step, settings: Settings, metas: Mapping[NodeId, MetaWish], asked: AskedAttempts) -> RepeatPolicy:
    policy = policy_of_kind(kind_of(step), settings, asked)
    # From the general to the specific: the kind, names in elt.yml, `meta.elt`, the command line. The later one wins.
    for name in names_of(step):
        policy = _named(policy, name, settings)
    meta = metas.get(step.node) if isinstance(step, BuildStep | TestStep | FreshnessStep) else None
    if meta is not None and meta.repeats is not None:
        policy = _with(policy, meta.repeats)
    if meta is not None and meta.time_limit is not None:
        policy = replace(policy, time_limit=meta.time_limit.limit)
    if asked.repeats is not None:
        policy = replace(policy, repeats=asked.repeats)
    return _of_hook(policy) if is_hook(step) else policy


def policy_of_kind(kind: str, settings: Settings, asked: AskedAttempts) -> RepeatPolicy:
    """Return the policy of a kind of step, without the settings of single nodes."""
    configured = settings.repeats
    unsaid = kind not in configured or configured[kind].times is None
    # Only the default is shorter on a terminal: a number of repeats in elt.yml applies there too.
    usual = WATCHED_INGEST if kind == INGEST and asked.watched and unsaid else DEFAULTS[kind]
    policy = _named(usual, kind, settings)
    return policy if asked.repeats is None else replace(policy, repeats=asked.repeats)


def _named(policy: RepeatPolicy, name: str, settings: Settings) -> RepeatPolicy:
    """Return the policy with the settings that elt.yml has under a name."""
    if name in settings.repeats:
        policy = _with(policy, settings.repeats[name])
    if name in settings.time_limits:
        policy = replace(policy, time_limit=settings.time_limits[name].limit)
    return policy


def usual_policy(step: Step, of_kinds: Mapping[str, RepeatPolicy]) -> RepeatPolicy:
    """Return the policy of a step based on its kind alone."""
    usual = of_kinds[kind_of(step)]
    return _of_hook(usual) if is_hook(step) else usual


def _of_hook(policy: RepeatPolicy) -> RepeatPolicy:
    """Return the policy of a hook: once started, it is not repeated, because dbt runs hooks in order, each once."""
    return replace(policy, repeats_time_limit=False)


def _with(policy: RepeatPolicy, wish: RepeatWish) -> RepeatPolicy:
    """Return the policy with the given settings applied."""
    first = policy.first_delay if wish.after is None else wish.after
    longest = policy.longest_delay if wish.longest is None else wish.longest
    return RepeatPolicy(
        repeats=policy.repeats if wish.times is None else wish.times,
        first_delay=first,
        factor=policy.factor if wish.factor is None else wish.factor,
        # A first wait above the default maximum raises the maximum, unless that was set as well.
        longest_delay=longest if wish.longest is not None else max(longest, first),
        jitter=policy.jitter if wish.jitter is None else wish.jitter,
        time_limit=policy.time_limit,
        repeats_time_limit=policy.repeats_time_limit
        if wish.on_time_limit is None
        else wish.on_time_limit is OnTimeLimit.REPEAT,
    )


def names_of(step: Step) -> Iterator[str]:
    """Yield the names that elt.yml may use for a step, the most specific last."""
    yield step.name
    if isinstance(step, IngestStep):
        yield from (spelling for name in step.names for spelling in spellings(name))
    if isinstance(step, OwnStep):
        yield own_step_name(step.name)
    yield step.id


def _metas(graph: Graph) -> dict[NodeId, MetaWish]:
    return {node.unique_id: wish_in_meta(node.meta) for node in _dbt_nodes(graph) if "elt" in node.meta}


def _dbt_nodes(graph: Graph) -> Iterator[DbtNode | DbtSource]:
    yield from graph.manifest.nodes.values()
    yield from graph.manifest.sources.values()


def _refuse_mistakes(settings: Settings, graph: Graph, metas: Mapping[NodeId, MetaWish]) -> None:
    mistakes = Mistakes()
    known = frozenset(_known(graph))
    for key, wishes in (("repeats", settings.repeats), ("time_limits", settings.time_limits)):
        kinds = (*DEFAULTS, RUN) if key == "time_limits" else tuple(DEFAULTS)
        for name, wish in wishes.items():
            if name in kinds or name in known or any(is_called(name, load.names) for load in graph.ingest.values()):
                continue
            if settings.elt_yml is not None:
                found = meant(name, (*kinds, *sorted(known)), (*kinds, "the name or the id of any node"))
                mistake = f"'{key}.{name}': there is no such kind of step and no such node{found}"
                mistakes.in_file(settings.elt_yml, wish.line, mistake)
    if settings.elt_yml is not None:
        for line, told in mistakes_of_loads(settings, graph):
            mistakes.in_file(settings.elt_yml, line, told)
    mistakes.found += _mistakes_of_nodes(settings, graph, metas)
    mistakes.raise_if_any()


def _mistakes_of_nodes(settings: Settings, graph: Graph, metas: Mapping[NodeId, MetaWish]) -> Iterator[str]:
    wrong_pools = mistakes_of_pools(graph, settings.pools, metas)
    for node in _dbt_nodes(graph):
        wrong = [wrong_pools[node.unique_id]] if node.unique_id in wrong_pools else []
        if node.unique_id in metas:
            wrong = [*metas[node.unique_id].mistakes, *mistakes_of_kind(node), *wrong]
        for mistake in wrong:
            yield f"{_place(settings, graph, node, mistake)}: {node.unique_id}: {mistake}"
        if isinstance(node, DbtNode) and node.resource_type is ResourceType.MODEL:
            for mistake in mistakes_of_state(node.definition.config, node.meta.get("elt")):
                yield f"{node.path}: {node.unique_id}: {mistake}"


def _place(settings: Settings, graph: Graph, node: DbtNode | DbtSource, mistake: str) -> str:
    """Return the file, with the line if it is found, in which a node's `meta.elt` is written."""
    if node.package != graph.manifest.project_name:
        return node.path  # of a package, relative to its own folder
    properties = node.definition.properties if isinstance(node, DbtNode) else ""
    return place_of_meta(settings.dbt_project_dir, (properties, node.path, "dbt_project.yml"), node.name, mistake)


def _known(graph: Graph) -> Iterator[str]:
    for node in graph.manifest.nodes.values():
        yield from (node.unique_id, node.name)
    for source in graph.manifest.sources.values():
        yield from (source.unique_id, source.name, f"{source.source_name}.{source.name}")
    for ingest in graph.ingest.values():
        yield from (load_name(ingest.source), load_name(ingest.source, ingest.resource))
    for bound in graph.suites.values():
        yield from (bound.suite.unique_id, bound.suite.name)
    for own in graph.steps.values():
        yield from own.names
    yield from ("hook.start", "hook.end")
