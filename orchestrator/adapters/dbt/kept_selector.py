"""Answers what dbt's selector would, from what it answered before."""

import json
from collections.abc import Callable

from orchestrator.adapters.dbt.answer_forms import NODES, TYPES
from orchestrator.adapters.dbt.project_answers import ProjectAnswers
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.selection.node_selector import NodeSelector


class KeptSelector:
    """dbt's selector, which is asked only for what is not kept."""

    def __init__(self, answers: ProjectAnswers, selector: Callable[[], NodeSelector]) -> None:
        self._answers = answers
        self._selector = selector

    def select(self, *, select: tuple[str, ...], exclude: tuple[str, ...], direct: bool = False) -> frozenset[NodeId]:
        """Return what dbt would run for these expressions."""
        question = json.dumps(["select", select, exclude, direct])

        def ask() -> frozenset[NodeId]:
            return self._selector().select(select=select, exclude=exclude, direct=direct)

        return self._answers.get(question, ask, NODES)

    def named(self, *, select: tuple[str, ...], exclude: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that these expressions name themselves."""
        question = json.dumps(["named", select, exclude])
        return self._answers.get(question, lambda: self._selector().named(select=select, exclude=exclude), NODES)

    def matching(self, expressions: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that one of the expressions names."""
        question = json.dumps(["matching", expressions])
        return self._answers.get(question, lambda: self._selector().matching(expressions), NODES)

    def deferred(self) -> frozenset[NodeId]:
        """Return the nodes of the manifest that `--defer` uses."""
        return self._answers.get("deferred", lambda: self._selector().deferred(), NODES)

    def kept_types(self) -> frozenset[ResourceType] | None:
        """Return the resource types that the options keep; None if no option limits them."""
        return self._answers.get("kept_types", lambda: self._selector().kept_types(), TYPES)
