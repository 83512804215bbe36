"""Binds the steps of elt.yml to the nodes of the graph that they follow, and to the dbt sources that they fill."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orchestrator.config.mistakes import Mistakes, meant
from orchestrator.config.settings import Settings
from orchestrator.config.step_settings import HttpSettings, StepSettings
from orchestrator.errors import GraphCycleError, SelectionError
from orchestrator.graph.build import Graph, with_steps
from orchestrator.nodes.identity import NodeId
from orchestrator.nodes.own_step import (
    OWN_STEP,
    CommandCall,
    HttpCall,
    OwnCall,
    OwnNode,
    Poll,
    PythonCall,
    own_step_id,
    own_step_name,
)
from orchestrator.selection.criterion import own_criterion, unions
from orchestrator.selection.node_selector import NodeSelector
from orchestrator.selection.resolve import SelectionReader

_LISTED = ("the selection syntax of dbt, and step:, ingest: and expectation:",)


def with_own_steps(graph: Graph, settings: Settings, selector: NodeSelector) -> Graph:
    """Return the graph with the steps of elt.yml.

    Raises:
        ConfigurationError: a step names no node, fills something other than a dbt source, or waits for itself.
    """
    if settings.elt_yml is None or not settings.steps:
        return graph
    mistakes = Mistakes()
    binding = _Binding(graph, settings.steps, selector)
    for step in settings.steps.values():
        for problem in binding.problems(step):
            mistakes.in_file(settings.elt_yml, step.line, f"'steps.{step.name}': {problem}")
    mistakes.raise_if_any()
    nodes = [binding.node(step, settings.elt_yml.name) for step in settings.steps.values()]
    try:
        return with_steps(graph, nodes)
    except GraphCycleError as error:
        words = error.message.rstrip(".").split()
        for node in (node for node in nodes if node.unique_id in words):
            mistakes.in_file(settings.elt_yml, node.line, f"'steps.{node.name}': {error.message}")
        mistakes.raise_if_any()
        raise


@dataclass(frozen=True, slots=True)
class _Binding:
    """Finds the nodes that `after` and `before` name."""

    graph: Graph
    steps: Mapping[str, StepSettings]
    selector: NodeSelector

    def node(self, step: StepSettings, path: str) -> OwnNode:
        return OwnNode(
            unique_id=own_step_id(step.name),
            name=step.name,
            call=call_of(step),
            env=step.env,
            inputs=step.inputs,
            follows=self._ordered(one for words in step.after for one in self._found(step, words)),
            feeds=self._ordered(one for words in step.before for one in self._found(step, words)),
            path=path,
            line=step.line,
        )

    def problems(self, step: StepSettings) -> Iterator[str]:
        for key, expressions in (("after", step.after), ("before", step.before)):
            for words in expressions:
                try:
                    found = self._found(step, words)
                except SelectionError as error:
                    yield f"'{key}': {error.message}"
                    continue
                if not found:
                    yield f"'{key}' names '{words}', which matches nothing{meant(words, self._known(key), _LISTED)}"
                others = [one for one in found if one not in self.graph.manifest.sources]
                if key == "before" and others:
                    yield (
                        f"'before' names '{words}', which is not a dbt source ({others[0]}); write source:NAME,"
                        " or use 'after' in the step that comes later"
                    )

    def _found(self, step: StepSettings, words: str) -> frozenset[NodeId]:
        """Return the nodes that an expression matches; a step never matches itself."""
        items = ([self._part(step, part) for part in item.split(",")] for item in unions((words,)) if item)
        return frozenset[NodeId]().union(*(frozenset.intersection(*parts) for parts in items))

    def _part(self, step: StepSettings, part: str) -> frozenset[NodeId]:
        own = own_criterion(part)
        if own is None or own.method != OWN_STEP:
            return SelectionReader(self.selector, self.graph).item(part)
        matching = (name for name in self.steps if name != step.name and fnmatchcase(name, own.value))
        return frozenset(map(own_step_id, matching))

    def _known(self, key: str) -> tuple[str, ...]:
        manifest = self.graph.manifest
        sources = {f"source:{one.source_name}" for one in manifest.sources.values()}
        sources |= {f"source:{one.source_name}.{one.name}" for one in manifest.sources.values()}
        if key == "before":
            return tuple(sorted(sources))
        exposures = {f"exposure:{one.name}" for one in manifest.nodes.values() if one.resource_type == "exposure"}
        names = {one.name for one in manifest.nodes.values()}
        return tuple(sorted(names | exposures | sources | {own_step_name(name) for name in self.steps}))

    def _ordered(self, nodes: Iterable[NodeId]) -> tuple[NodeId, ...]:
        return tuple(sorted(set(nodes)))


def call_of(step: StepSettings) -> OwnCall:
    """Return what a step does; its settings were checked when they were read."""
    if step.command:
        return CommandCall(words=step.command)
    if step.python is not None:
        module, _, function = step.python.partition(":")
        return PythonCall(module=module, function=function)
    return _http_call(step.http)


def _http_call(http: HttpSettings) -> HttpCall:
    wish = http.poll
    poll = Poll(
        url=wish.url or "",
        headers=tuple(wish.headers.items()),
        status_field=wish.status_field or "",
        success=wish.success,
        failure=wish.failure,
        every_seconds=wish.every.total_seconds(),
    )
    return HttpCall(
        method=http.method,
        url=http.url or "",
        headers=tuple(http.headers.items()),
        body="" if http.json is None else json.dumps(http.json),
        statuses=http.status,
        poll=poll if wish.is_set else None,
    )
