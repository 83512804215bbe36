"""Puts changes into words, and makes the fingerprints of expectation suites, which dbt knows nothing of."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.nodes.dbt import Manifest
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.reuse.fingerprints.compare import Change
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.make import UNKNOWN, Fingerprinter
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.fingerprints.words import Words
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.versions import version_of


@dataclass(slots=True)
class Teller:
    """Says what became of a part of a node's or a suite's fingerprint."""

    manifest: Manifest
    maker: Fingerprinter
    _words: dict[NodeId, Words] = field(default_factory=dict)

    def tell(self, node: NodeId, change: Change) -> str:
        """Say it in words and files that the user knows."""
        dbt = self.manifest.nodes.get(node)
        if dbt is None:
            kind, _, of = change.part.partition(":")
            return f"{short_name(NodeId(of)) if of else kind} {change.how}"
        if node not in self._words:
            self._words[node] = Words(self.manifest, self.maker, dbt)
        return self._words[node].change(change)


@dataclass(frozen=True, slots=True)
class SuitePrints:
    """Makes the fingerprints of suites."""

    project: OpenProject
    versions: Mapping[NodeId, str]

    def make(self, suite: NodeId, parents: Mapping[NodeId, str]) -> Fingerprint:
        """Make it of the suite's file, of what it judges, and of the version of great-expectations."""
        bound = self.project.graph.suites[suite]
        manifest = self.project.graph.manifest
        built = {
            "suite": _content(self.project, bound.suite.path),
            "adapter": digest_of(version_of("great-expectations")),
            "relation": digest_of(str(_relation(manifest, bound.node))),
        }
        unknown: frozenset[NodeId] = frozenset()
        if bound.node in manifest.sources:
            built[f"parent:{bound.node}"] = digest_of(self.versions.get(bound.node, UNKNOWN))
            unknown = frozenset({bound.node} - self.versions.keys())
        elif bound.node in parents:
            built[f"parent:{bound.node}"] = parents[bound.node]
        return Fingerprint(node=suite, built=built, unknown=unknown)


def _content(project: OpenProject, path: str) -> str:
    try:
        return hashlib.sha256((project.settings.project_root / path).read_bytes()).hexdigest()
    except OSError:
        return "unreadable"


def _relation(manifest: Manifest, node: NodeId) -> object:
    return manifest.sources[node].relation if node in manifest.sources else manifest.nodes[node].relation
