"""Defines what dbt's artifacts of a run contain besides the results: metadata, arguments, and the folder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.session import DbtSession


Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactHead:
    """What the artifacts of one invocation of dbt have in common."""

    is_written: bool
    """Whether there are artifacts; `--no-write-json` forbids them."""
    target_path: str
    run_results: Json
    """The metadata of run_results.json."""
    sources: Json
    """The metadata of sources.json."""
    args: Json
    """The arguments of the invocation as dbt records them, without the secrets that dbt knows."""
    empty_result: Json
    """An entry of run_results.json without values: its fields differ between releases of dbt."""

    def begun_at(self, moment: datetime) -> "ArtifactHead":
        """Return the head of another invocation with the same command line, which began at that moment."""
        ids: Json = {"invocation_id": str(uuid4()), "invocation_started_at": dbt_moment(moment)}
        return replace(self, run_results={**self.run_results, **ids}, sources={**self.sources, **ids})


def dbt_moment(moment: datetime) -> str:
    """Return a moment as dbt writes it into artifacts."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def head_to_json(head: ArtifactHead) -> object:
    """Return a head in the form in which it is kept; its ids and moments are those of one invocation only."""
    return {**asdict(head), "run_results": _without_ids(head.run_results), "sources": _without_ids(head.sources)}


def head_from_json(found: Mapping[str, Any]) -> ArtifactHead:
    """Return a head that was kept; it has no ids and moments yet."""
    return ArtifactHead(**found)


def head_of(session: "DbtSession") -> ArtifactHead:
    """Return the head of the artifacts of an open session."""
    from dbt.artifacts.schemas.freshness import FreshnessMetadata
    from dbt.artifacts.schemas.run.v5.run import RunResultsMetadata

    return ArtifactHead(
        is_written=bool(session.flags.WRITE_JSON),
        target_path=str(session.target_path),
        run_results=RunResultsMetadata().to_dict(omit_none=False),
        sources=FreshnessMetadata().to_dict(omit_none=False),
        args=_arguments(session),
        empty_result=_empty_result(),
    )


def _empty_result() -> Json:
    from dbt.artifacts.schemas.results import RunStatus
    from dbt.artifacts.schemas.run.v5.run import RunResultOutput

    found: Json = RunResultOutput(
        status=RunStatus.Success,
        timing=[],
        thread_id="",
        execution_time=0,
        adapter_response={},
        message=None,
        failures=None,
        unique_id="",
        compiled=None,
        compiled_code=None,
        relation_name=None,
    ).to_dict(omit_none=False)
    return found


def _arguments(session: "DbtSession") -> Json:
    """Return the invocation's arguments as dbt records them, with secrets scrubbed as dbt scrubs them."""
    import json

    import dbt.utils
    from dbt.artifacts.schemas.run import RunResultsArtifact

    scrubbed = RunResultsArtifact.from_execution_results(
        results=[], elapsed_time=0.0, generated_at=datetime.now(UTC), args=dbt.utils.args_to_dict(session.flags)
    )
    args: Json = json.loads(json.dumps(scrubbed.args, cls=dbt.utils.JSONEncoder))
    return args


def _without_ids(metadata: Json) -> Json:
    return {**metadata, "generated_at": None, "invocation_id": None, "invocation_started_at": None}
