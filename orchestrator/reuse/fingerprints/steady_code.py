"""Decides which nodes compile to the same code as long as the project, its variables and the command stay the same."""

from collections.abc import Collection, Mapping

from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.reuse.fingerprints.allowed import BESIDE_THE_SQL
from orchestrator.reuse.fingerprints.macros import MacroIndex, together
from orchestrator.reuse.fingerprints.own_parts import texts_in
from orchestrator.reuse.fingerprints.reading import read_argument

_OF_ITS_RELATION = frozenset({"is_incremental", "should_full_refresh"})
"""Macros whose answer follows from the command and from what the node's own relation is."""


class SteadyCode:
    """Answers for the nodes of one manifest; every branch of their Jinja counts, also those that are not taken."""

    def __init__(self, manifest: Manifest, index: MacroIndex, replayable: Collection[NodeId] = ()) -> None:
        """Set the nodes whose code is used again only while their own relation exists, or does not, as before."""
        self._replayable = replayable
        self._manifest = manifest
        self._index = index
        self._found: dict[NodeId, bool] = {}

    def is_steady(self, node: DbtNode) -> bool:
        """Return whether a node's code asks no clock, no database and nothing else that may differ in each run."""
        found = self._found.get(node.unique_id)
        if found is None:
            found = self._found[node.unique_id] = (
                self._is_steady_test(node)
                if node.resource_type is ResourceType.UNIT_TEST
                else self._is_steady_itself(node, self._changing(node)) and self._are_inlined_steady(node)
            )
        return found

    def _changing(self, node: DbtNode) -> frozenset[str]:
        return BESIDE_THE_SQL - _OF_ITS_RELATION if node.unique_id in self._replayable else BESIDE_THE_SQL

    def _are_inlined_steady(self, node: DbtNode) -> bool:
        """Return the same of the ephemeral parents: their code is part of the node's own."""
        parents = (self._manifest.nodes.get(parent) for parent in node.parents)
        return all(self.is_steady(one) for one in parents if one is not None and one.is_ephemeral)

    def _is_steady_test(self, test: DbtNode) -> bool:
        """Return the same of a unit test, which runs the code of its model on the rows of its own entry."""
        model = self._manifest.nodes.get(test.parents[0]) if test.parents else None
        overrides = test.definition.arguments.get("overrides")
        macros = overrides.get("macros") if isinstance(overrides, Mapping) else None
        # With --full-refresh, unit tests are dbt's; otherwise its answer follows from the configuration.
        changing = BESIDE_THE_SQL - {"should_full_refresh", *(macros or ())}
        return (
            model is not None
            and self._is_steady_itself(test, BESIDE_THE_SQL)
            and self._is_steady_itself(model, changing)
            and self._are_inlined_steady(model)
        )

    def _is_steady_itself(self, node: DbtNode, changing: frozenset[str]) -> bool:
        if node.definition.language != "sql":
            return False
        index, definition = self._index, node.definition
        readings = [index.read(definition.raw_code), *map(read_argument, texts_in(definition.arguments))]
        roots = dict.fromkeys(root for reading in readings for root in index.roots(reading))
        roots |= dict.fromkeys(macro for macro in definition.macros if macro in index.macros)
        # dbt may call those that override a macro of its own for any node.
        closures = [*(index.closure(root) for root in roots), *index.everywhere]
        own = [index.needs_of(reading, node.path) for reading in readings]
        needs = together([*own, *(closure.needs for closure in closures)])
        if needs.volatile or needs.asks or needs.unknown:
            return False
        # Flags are part of the command. What exists in the database is not.
        reached = {macro for closure in closures for macro in closure.reached.through}
        readings += [index.read(index.macros[macro].code) for macro in reached] if needs.beside_the_sql else []
        return not needs.beside_the_sql or all(changing.isdisjoint(reading.names) for reading in readings)
