"""Computes the fingerprints of the nodes of one manifest, and finds the code that they execute."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.config_keys import hooks_of
from orchestrator.reuse.fingerprints.make import FINGERPRINTED, Fingerprinter
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Fingerprint


@dataclass(kw_only=True)
class Prints:
    """The fingerprints of the nodes of one manifest, without the content of their parents."""

    manifest: Manifest
    around: Surroundings
    parsed: Manifest | None = None
    """The manifest before execution, if `manifest` is that of a finished run."""
    _made: dict[NodeId, Fingerprint] = field(default_factory=dict)

    @cached_property
    def maker(self) -> Fingerprinter:
        """Return the maker of the fingerprints."""
        return Fingerprinter(self.manifest, self.around)

    def of(self, node: NodeId) -> Fingerprint | None:
        """Return the fingerprint of a node; None if it has none."""
        dbt = self._as_parsed(node)
        if dbt is None or dbt.resource_type not in FINGERPRINTED:
            return None
        if node not in self._made:
            for parent in dbt.parents:  # the code of an ephemeral model is part of its children
                known = self.manifest.nodes.get(parent)
                if known is not None and known.is_ephemeral:
                    self.of(parent)
            self._made[node] = self.maker.make(dbt, {}, self._made)  # no parents: adoption decides on them one by one
        return self._made[node]

    def _as_parsed(self, node: NodeId) -> DbtNode | None:
        """Return a node without the macros that dbt added to its macros while it executed it."""
        found = self.manifest.nodes.get(node)
        parsed = None if self.parsed is None else self.parsed.nodes.get(node)
        # dbt adds macros while it executes a node, so a manifest from after a run names more than one from a parse.
        if found is None or parsed is None or not set(parsed.definition.macros) <= set(found.definition.macros):
            return found
        return replace(found, definition=replace(found.definition, macros=parsed.definition.macros))

    def texts_of(self, node: DbtNode) -> Iterator[str]:
        """Yield the code of a node, its vars, and the code of every macro that it reaches and that is not dbt's own."""
        yield node.definition.raw_code
        # The value of a var may be rendered as SQL, so it may write too.
        yield json.dumps(dict(self.around.vars.get(node.package, {})), default=str)
        yield from self._macros(self.maker.reached_by(node).through)

    def hook_macros_of(self, node: DbtNode) -> Iterator[str]:
        """Yield the code of every such macro that the node's hooks reach."""
        index = self.maker.index
        for _, hook in hooks_of(node.definition.config):
            text = hook.get("sql") if isinstance(hook, Mapping) else hook
            for root in index.roots(index.read(str(text))):
                yield from self._macros(index.closure(root).reached.through)

    def _macros(self, macros: Mapping[NodeId, NodeId | None]) -> Iterator[str]:
        index = self.maker.index
        return (index.macros[one].code for one in macros if not index.is_of_dbt(index.macros[one]))
