"""Returns dbt's records of nodes that it did not run, and writes the manifest: with dbt, or from its kept answers."""

import json
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.adapters.dbt.artifact_head import ArtifactHead, Json, dbt_moment
from orchestrator.adapters.dbt.kept_code import KeptCode
from orchestrator.adapters.dbt.manifest_file import MANIFEST, ParsedManifest, replaced, write_manifest
from orchestrator.nodes.identity import NodeId
from orchestrator.ways.generated_sql import RESPONSE, Place

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.node_runs import NodeRuns
    from orchestrator.adapters.dbt.session import DbtSession


_COMPILED = frozenset({"model", "snapshot", "analysis", "test", "operation", "sql_operation", "function"})
"""The types of nodes that dbt compiles: their records say so, and name their relation."""


class RunRecords(Protocol):
    """What the artifacts of a run need besides the outcomes of its steps."""

    @property
    def head(self) -> ArtifactHead:
        """What the artifacts contain besides results."""

    def skipped(self, node: NodeId) -> Json:
        """Return the entry in run_results.json of a node that was skipped."""

    def lost(self, node: NodeId, message: str) -> Json:
        """Return the entry of a node that was given up and has no result of its own."""

    def reused(self, node: NodeId, word: str) -> Json:
        """Return the entry of a reused node if the run that built it is no longer recorded."""

    def encode(self, document: Json) -> str:
        """Return an artifact as JSON."""

    def write_manifest(self, *, is_compiled: bool) -> None:
        """Write manifest.json if the file is to change; `is_compiled` says whether dbt compiled nodes in this run."""


class OpenRecords:
    """The records of an open dbt."""

    def __init__(self, session: "DbtSession", runs: "NodeRuns", head: ArtifactHead) -> None:
        self.head = head
        self._session = session
        self._runs = runs

    def skipped(self, node: NodeId) -> Json:
        """Return the entry of a node that was skipped."""
        from orchestrator.adapters.dbt.node_outcomes import run_record

        return run_record(self._runs.skipped_result(node))

    def lost(self, node: NodeId, message: str) -> Json:
        """Return the entry of a node that was given up."""
        from orchestrator.adapters.dbt.node_outcomes import run_record

        return run_record(self._runs.lost_result(node, message))

    def reused(self, node: NodeId, word: str) -> Json:
        """Return the entry of a reused node without a recorded run."""
        from orchestrator.adapters.dbt.found_results import reused_record

        return reused_record(self._session, node, word)

    def encode(self, document: Json) -> str:
        """Return an artifact as JSON."""
        from dbt.utils import JSONEncoder

        return json.dumps(document, cls=JSONEncoder)

    def write_manifest(self, *, is_compiled: bool) -> None:
        """Write it again with the compiled code of the nodes that ran; the parse has written it without."""
        if is_compiled:
            write_manifest(self._session.manifest, self.head.target_path).close()


class KeptRecords:
    """The records of a run in which dbt was not needed."""

    def __init__(self, parsed: ParsedManifest, head: ArtifactHead, *, fail_fast: bool) -> None:
        self.head = head
        self._parsed = parsed
        self._fail_fast = fail_fast
        self._codes: dict[NodeId, KeptCode] = {}

    def skipped(self, node: NodeId) -> Json:
        """Return the entry of a node that was skipped."""
        return self._record(node, "skipped", "Skipping due to fail_fast" if self._fail_fast else None)

    def lost(self, node: NodeId, message: str) -> Json:
        """Return the entry of a node that was given up."""
        return self._record(node, "error", message)

    def reused(self, node: NodeId, word: str) -> Json:
        """Return the entry of a reused node without a recorded run."""
        return self._record(node, word, "reused")

    def no_op(self, node: NodeId, started: datetime, ended: datetime) -> Json:
        """Return the entry of a node for which dbt does nothing, such as an exposure."""
        moment = dbt_moment(started)
        return {
            **self._record(node, "no-op", "NO-OP"),
            "timing": [{"name": name, "started_at": moment, "completed_at": moment} for name in ("compile", "execute")],
            "execution_time": (ended - started).total_seconds(),
            "failures": 0,
        }

    def executed(  # the moments of one execution
        self, node: NodeId, word: str, code: KeptCode, began: datetime, executing: datetime, ended: datetime
    ) -> Json:
        """Return the entry of a node that was executed without dbt, and note its code."""
        self._codes[node] = code
        is_test = word == "pass"
        message, response = (
            (RESPONSE["_message"], RESPONSE) if code.sent is None else (code.sent.message, code.sent.response)
        )
        spans = {"compile": (began, began), "execute": (executing, ended)}
        return {
            **self._record(node, word, None if is_test else message),
            "timing": [
                {"name": name, "started_at": dbt_moment(start), "completed_at": dbt_moment(end)}
                for name, (start, end) in spans.items()
            ],
            "execution_time": (ended - began).total_seconds(),
            "adapter_response": {**response},
            "failures": 0 if is_test else None,
            **({} if code.code is None else {"compiled": True, "compiled_code": code.code}),
        }

    def compiled(self, node: NodeId, code: KeptCode) -> None:
        """Take note of the code of an ephemeral model."""
        self._codes[node] = code

    def schemas_of(self, nodes: Collection[NodeId]) -> frozenset[tuple[str, str]]:
        """Return the database and schema of each of these nodes that has a relation."""
        found = (self._nodes[node] for node in nodes if node in self._nodes)
        return frozenset((one["database"], one["schema"]) for one in found if one.get("relation_name"))

    def place_of(self, node: NodeId) -> Place:
        """Return where the relation of a node is."""
        known = self._nodes[node]
        return Place(database=known["database"], schema=known["schema"], identifier=known["alias"])

    def limits_of(self, test: NodeId) -> tuple[str, str]:
        """Return `warn_if` and `error_if` of a data test."""
        config = self._nodes[test]["config"]
        return config["warn_if"], config["error_if"]

    def encode(self, document: Json) -> str:
        """Return an artifact as JSON."""
        return json.dumps(document)

    def write_manifest(self, *, is_compiled: bool) -> None:  # noqa: ARG002  # it shows in the codes
        """Write the files that a parse would have left, with the ids of this run and the code of what was executed."""
        target = Path(self.head.target_path)
        ids = {name: self.head.run_results[name] for name in ("invocation_id", "invocation_started_at")}
        ids["generated_at"] = dbt_moment(datetime.now(UTC))
        with replaced(target / MANIFEST) as beside:
            beside.write_bytes(with_ids(self._with_codes(), ids))
        for name, text in self._parsed.semantic.items():
            if not _has(target / name, text):
                with replaced(target / name) as beside:
                    beside.write_text(text, "utf-8")

    def _with_codes(self) -> bytes:
        if not self._codes:
            return self._parsed.content
        entries = self._parsed.document["nodes"]
        # The manifest has nothing of the execution of a unit test.
        compiled = {node: code.in_entry(entries[node]) for node, code in self._codes.items() if node in entries}
        return json.dumps({**self._parsed.document, "nodes": {**entries, **compiled}}).encode()

    def _record(self, node: NodeId, word: str, message: str | None) -> Json:
        """Return what dbt writes of a result without figures: its fields, in its order."""
        known = self._nodes[node]
        is_compiled = known["resource_type"] in _COMPILED
        return {
            **self.head.empty_result,
            "status": word,
            "thread_id": threading.current_thread().name,
            "message": message,
            "unique_id": node,
            "compiled": False if is_compiled else None,
            "relation_name": known.get("relation_name") if is_compiled else None,
        }

    @cached_property
    def _nodes(self) -> Mapping[str, Any]:
        sections = self._parsed.document.values()
        return {
            key: node
            for section in sections
            if isinstance(section, dict)
            for key, node in section.items()
            if isinstance(node, dict) and node.get("unique_id") == key
        }


def with_ids(manifest: bytes, ids: Json) -> bytes:
    """Return a manifest with other ids and moments in its metadata, which dbt writes first."""
    text = manifest.decode("utf-8")
    start = len('{"metadata": ')
    metadata, end = json.JSONDecoder().raw_decode(text, start)
    return f"{text[:start]}{json.dumps({**metadata, **ids})}{text[end:]}".encode()


def _has(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False
