"""Evaluates selections by asking `dbt ls`: one process for each question that was not asked before."""

import json
from collections.abc import Callable, Mapping, Sequence

from orchestrator.adapters.dbt2.dbt_process import DbtAnswer
from orchestrator.adapters.dbt2.given_options import GivenOptions
from orchestrator.adapters.dbt2.program_calls import MOST_NODES, QualifiedNames
from orchestrator.errors import SelectionError
from orchestrator.nodes.identity import NodeId, ResourceType

Ask = Callable[[tuple[str, ...]], frozenset[NodeId]]
"""Returns the nodes that `dbt ls` lists with these words."""

_BUILT = frozenset(
    {
        *(ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, ResourceType.FUNCTION),
        *(ResourceType.TEST, ResourceType.UNIT_TEST, ResourceType.EXPOSURE, ResourceType.SAVED_QUERY),
    }
)
_RUN_BY: Mapping[str, frozenset[ResourceType]] = {
    "build": _BUILT,
    "test": frozenset({ResourceType.TEST, ResourceType.UNIT_TEST}),
    "source freshness": frozenset({ResourceType.SOURCE}),
}
_DIRECT = ("--indirect-selection", "empty")


class DbtLs:
    """Asks `dbt ls`."""

    def __init__(self, name: str, ask: Callable[[tuple[str, ...]], DbtAnswer]) -> None:
        """Set the program, for messages, and what runs `ls` with further words."""
        self._name = name
        self._ask = ask

    def nodes(self, words: tuple[str, ...]) -> frozenset[NodeId]:
        """Return the nodes that these words select."""
        lines = self._answered((*words, "--output", "json", "--output-keys", "unique_id"))
        found = (_unique_id(line) for line in lines)
        return frozenset(NodeId(unique_id) for unique_id in found if unique_id)

    def lines(
        self, nodes: Sequence[NodeId], names: QualifiedNames, output: str, keys: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return one line for each of these nodes, in a format of dbt; `keys` are the fields of `json`."""
        found: list[str] = []
        for first in range(0, len(nodes), MOST_NODES):
            select = [_criterion(node, names) for node in nodes[first : first + MOST_NODES]]
            shown = ("--output-keys", *keys) if keys else ()
            words = ("--select", *select, *_DIRECT, "--output", output, *shown, "--quiet")
            found += [line for line in self._answered(words) if line.startswith("{") or (line and output != "json")]
        return tuple(found)

    def _answered(self, words: tuple[str, ...]) -> tuple[str, ...]:
        answer = self._ask(words)
        if answer.code != 0:
            raise SelectionError(
                f"{self._name} could not evaluate the selection. {answer.told}",
                hint="Correct the expression. `elt ls --select …` shows what an expression selects.",
            )
        return answer.lines


class LsSelector:
    """The selector of one command of dbt 2.x."""

    def __init__(
        self, options: GivenOptions, types: Mapping[NodeId, ResourceType], ask: Ask, *, has_default: bool
    ) -> None:
        """Set the types of all nodes, and whether selectors.yml has a default."""
        self._options = options
        self._types = types
        self._ask = ask
        self._has_default = has_default
        self._known: dict[tuple[str, ...], frozenset[NodeId]] = {}
        self._kinds = _RUN_BY.get(options.command, frozenset(ResourceType))

    def select(self, *, select: tuple[str, ...], exclude: tuple[str, ...], direct: bool = False) -> frozenset[NodeId]:
        """Return what dbt would run for these expressions."""
        found = self._listed(select, exclude, direct=direct)
        kept = self.kept_types()
        return frozenset(
            node
            for node in found
            if self._types.get(node) in self._kinds and (kept is None or self._types.get(node) in kept)
        )

    def named(self, *, select: tuple[str, ...], exclude: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that these expressions name directly."""
        return self._listed(select, exclude, direct=True)

    def matching(self, expressions: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that one of the expressions matches."""
        if not expressions:
            return frozenset()
        return self._answer(("--select", *expressions, *self._options.words("--state"), *_DIRECT))

    def kept_types(self) -> frozenset[ResourceType] | None:
        """Return the resource types that the options keep; None if no option limits them."""
        kept = self._options.values.get("--resource-type", ())
        left_out = self._options.values.get("--exclude-resource-type", ())
        if not kept and not left_out:
            return None
        whole = not kept or not {"all", "default"}.isdisjoint(kept)
        wanted = self._kinds if whole else self._kinds & {kind for kind in ResourceType if kind.value in kept}
        return frozenset(kind for kind in wanted if kind.value not in left_out)

    def deferred(self) -> frozenset[NodeId]:
        """Return nothing: `--defer` is refused."""
        return frozenset()

    def _listed(self, select: Sequence[str], exclude: Sequence[str], *, direct: bool) -> frozenset[NodeId]:
        selector = self._options.one("--selector")
        if not select and not exclude and not selector and not self._has_default:
            return frozenset(self._types)
        if selector:
            return self._answer(("--selector", selector, *self._options.words("--state"), *(_DIRECT if direct else ())))
        words = [*(("--select", *select) if select else ()), *(("--exclude", *exclude) if exclude else ())]
        mode = _DIRECT if direct else tuple(self._options.words("--indirect-selection"))
        return self._answer((*words, *self._options.words("--state"), *mode))

    def _answer(self, words: tuple[str, ...]) -> frozenset[NodeId]:
        if words not in self._known:
            self._known[words] = self._ask(words)
        return self._known[words]


def _criterion(node: NodeId, names: QualifiedNames) -> str:
    return f"source:{node.split('.', 1)[1]}" if node.startswith("source.") else names.criterion(node)


def _unique_id(line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError:  # a line for people
        return ""
    return str(found.get("unique_id") or "") if isinstance(found, dict) else ""
