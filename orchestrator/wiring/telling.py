"""Puts changes into words, and makes the fingerprints of expectation suites, which dbt does not know."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.adapters.great_expectations.suites import read_suite
from orchestrator.errors import SuiteError
from orchestrator.nodes.dbt import Manifest
from orchestrator.nodes.identity import NodeId, Relation, short_name
from orchestrator.reuse.fingerprints.compare import Change
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.suites import (
    SuiteReading,
    read_suite_queries,
    relation_finder,
    suite_fingerprint,
)
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion
from orchestrator.reuse.fingerprints.words import Words
from orchestrator.wiring.project import OpenProject
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
    versions: Mapping[NodeId, SourceVersion]
    around: Surroundings = NO_SURROUNDINGS
    functions: Callable[[], Mapping[str, object]] = dict
    """Returns the functions that users stored in the database, by name."""
    _read: dict[NodeId, SuiteReading] = field(default_factory=dict)

    def reads(self, suite: NodeId) -> tuple[NodeId, ...]:
        """Return the nodes whose relations a suite reads: first the one that it validates."""
        node = self.project.graph.suites[suite].node
        return tuple(dict.fromkeys((node, *self._reading(suite).nodes)))

    def make(self, suite: NodeId, parents: Mapping[NodeId, str]) -> Fingerprint:
        """Make it of the suite's file, of what it reads, and of versions and settings."""
        bound = self.project.graph.suites[suite]
        manifest = self.project.graph.manifest
        parts = {
            "suite": _content(self.project, bound.suite.path),
            "adapter": digest_of([version_of("great-expectations"), dict(self.around.versions)]),
            "relation": digest_of(str(_relation(manifest, bound.node))),
            **{f"setting:{name}": digest_of([value]) for name, value in self.around.settings.items()},
            **{f"profile:{name}": value for name, value in self.around.profile.items()},
        }
        reading = self._reading(suite)
        stored = sorted(reading.calls & self.functions().keys()) if reading.calls else []
        findings = (*reading.not_understood, *(f"{name}(), stored in the database" for name in stored))
        return suite_fingerprint(
            bound, manifest, parts, replace(reading, not_understood=findings), parents, self.versions
        )

    def _reading(self, suite: NodeId) -> SuiteReading:
        if suite not in self._read:
            bound, manifest = self.project.graph.suites[suite], self.project.graph.manifest
            try:
                file = read_suite(self.project.settings.project_root, bound.suite.path)
            except SuiteError:
                self._read[suite] = SuiteReading(not_understood=("a suite that cannot be read",))
            else:
                find = relation_finder(manifest, _relation(manifest, bound.node))
                self._read[suite] = read_suite_queries(
                    file.expectations, file.suite_parameters, find, manifest.adapter_type
                )
        return self._read[suite]


def _content(project: OpenProject, path: str) -> str:
    try:
        return hashlib.sha256((project.settings.project_root / path).read_bytes()).hexdigest()
    except OSError:
        return "unreadable"


def _relation(manifest: Manifest, node: NodeId) -> Relation:
    relation = manifest.sources[node].relation if node in manifest.sources else manifest.nodes[node].relation
    return Relation(database=None, schema="", identifier="") if relation is None else relation
