"""Puts changes into words, and makes the fingerprints of expectation suites, which dbt does not know."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.nodes.dbt import Manifest
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.reuse.fingerprints.compare import Change
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.suites import SuiteReading, suite_fingerprint
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion
from orchestrator.reuse.fingerprints.words import Words
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.suite_reading import relation_of, suite_reading
from orchestrator.wiring.versions import version_of

NO_SURROUNDINGS = Surroundings()


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
    around: Surroundings = NO_SURROUNDINGS
    functions: Callable[[], Mapping[str, object]] = dict
    """Returns the functions that users stored in the database, by name."""
    _read: dict[NodeId, SuiteReading] = field(default_factory=dict)

    def reads(self, suite: NodeId) -> tuple[NodeId, ...]:
        """Return the nodes whose relations a suite reads: first the one that it validates."""
        bound = self.project.graph.suites[suite]
        return (bound.node, *bound.reads)

    def make(
        self, suite: NodeId, parents: Mapping[NodeId, str], versions: Mapping[NodeId, SourceVersion]
    ) -> Fingerprint:
        """Make it of the suite's file, of what it reads, and of versions and settings."""
        bound = self.project.graph.suites[suite]
        manifest = self.project.graph.manifest
        parts = {
            "suite": _content(self.project, bound.suite.path),
            "adapter": digest_of([version_of("great-expectations"), dict(self.around.versions)]),
            "relation": digest_of(str(relation_of(manifest, bound.node))),
            **{f"setting:{name}": digest_of([value]) for name, value in self.around.settings.items()},
            **{f"profile:{name}": value for name, value in self.around.profile.items()},
        }
        reading = self._reading(suite)
        stored = sorted(reading.calls & self.functions().keys()) if reading.calls else []
        later = (one for one in bound.reads if suite not in self.project.graph.order.descendants([one]))
        findings = (
            *reading.not_understood,
            *(f"{name}(), stored in the database" for name in stored),
            *(f"{short_name(one)}, which is built after the suite ran" for one in later),
        )
        return suite_fingerprint(bound, manifest, parts, replace(reading, not_understood=findings), parents, versions)

    def _reading(self, suite: NodeId) -> SuiteReading:
        if suite not in self._read:
            graph = self.project.graph
            self._read[suite] = suite_reading(self.project.settings.project_root, graph.manifest, graph.suites[suite])
        return self._read[suite]


def _content(project: OpenProject, path: str) -> str:
    try:
        return hashlib.sha256((project.settings.project_root / path).read_bytes()).hexdigest()
    except OSError:
        return "unreadable"
