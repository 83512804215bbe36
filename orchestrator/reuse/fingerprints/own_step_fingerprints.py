"""Makes the fingerprints of the steps of one's own that declare their inputs: the files by content, and their parents.

Nothing else that such a step may read is known. Declaring inputs says that nothing else matters.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.nodes.own_step import OwnNode, own_step_name
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.make import has_fingerprint
from orchestrator.reuse.fingerprints.value import Finding, Fingerprint, SourceVersion

FILE = "file"
"""The kind of the parts that are files."""


def read_by_step(graph: Graph, step: NodeId) -> tuple[NodeId, ...]:
    """Return the nodes whose results a step follows, also through exposures and checks, which have none."""
    found: dict[NodeId, None] = {}
    waiting = list(graph.steps[step].follows)
    for node in waiting:  # the list grows while it is read
        dbt = graph.manifest.nodes.get(node)
        is_check = dbt is not None and dbt.resource_type in {ResourceType.TEST, ResourceType.UNIT_TEST}
        if node in graph.suites:
            waiting.append(graph.suites[node].node)
        elif dbt is not None and (is_check or not has_fingerprint(dbt)):
            waiting += [parent for parent in dbt.parents if parent not in waiting]
        else:
            found[node] = None
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFingerprinter:
    """Makes the fingerprints of steps; each file is read once."""

    graph: Graph
    root: Path
    """The folder of elt.yml, to which the patterns of inputs are relative."""
    _digests: dict[Path, str] = field(default_factory=dict)

    def make(
        self, step: NodeId, parents: Mapping[NodeId, str], versions: Mapping[NodeId, SourceVersion]
    ) -> Fingerprint:
        """Return the fingerprint of a step, made from what it does, its files, and the identities of its parents."""
        own = self.graph.steps[step]
        built = {"step": digest_of([type(own.call).__name__, asdict(own.call), own.env])}
        findings = []
        for pattern in own.inputs or ():
            try:
                files = dict(self._files(pattern))
            except OSError as error:
                findings.append(Finding(what=f"{error.filename} cannot be read: {error.strerror}", path=own.path))
                continue
            built |= files or {f"{FILE}:{pattern}": digest_of("no file")}
        unknown = set()
        for node in read_by_step(self.graph, step):
            if node in self.graph.manifest.sources:
                version = versions.get(node)
                unknown |= {node} if version is None else set()
                built[f"parent:{node}"] = digest_of("unknown" if version is None else [version.rows, version.ids])
            elif node in parents:
                built[f"parent:{node}"] = parents[node]
            else:
                built[f"parent:{node}"] = digest_of("unknown")
                findings += list(self._why_unknown(own, node))
        return Fingerprint(node=step, built=built, unknown=frozenset(unknown), not_understood=tuple(findings))

    def _why_unknown(self, own: OwnNode, node: NodeId) -> Iterator[Finding]:
        if node in self.graph.steps:
            other = self.graph.steps[node]
            without = " has no inputs, so what it does" if other.inputs is None else ""
            yield Finding(what=f"{own_step_name(other.name)}{without} is not known", path=own.path)
        elif node in self.graph.ingest:
            yield Finding(what=f"what ingest:{short_name(node)} loads", path=own.path)

    def _files(self, pattern: str) -> Iterator[tuple[str, str]]:
        for path in sorted(self.root.glob(pattern)):
            inner = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in inner:
                if file.is_file() and "__pycache__" not in file.parts:
                    yield f"{FILE}:{file.relative_to(self.root).as_posix()}", self._digest(file)

    def _digest(self, file: Path) -> str:
        if file not in self._digests:
            with file.open("rb") as content:
                self._digests[file] = hashlib.file_digest(content, "sha256").hexdigest()
        return self._digests[file]
