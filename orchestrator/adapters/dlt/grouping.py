"""Groups a module's sources by the dlt pipeline that loads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dlt.pipeline.pipeline import Pipeline

from orchestrator.adapters.dlt.source_candidates import Candidate

OUR_PREFIX = "elt_"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPart:
    """What one step loads: a source or resource without a pipeline, or all that a user's pipeline loads."""

    attribute: str
    name: str
    pipeline_name: str
    pipeline: Pipeline | None = None
    """The user's own pipeline object."""
    candidates: tuple[Candidate, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options that a pipeline of elt has taken over from the user's own."""

    @property
    def destination(self) -> str | None:
        """Return the destination that the user's own pipeline names, as dlt writes its type."""
        if self.pipeline is None or not self.pipeline.destination:
            return None
        return str(self.pipeline.destination.destination_type)

    def moved(self) -> "LoadPart":
        """Return the part without the user's own pipeline, whose folder and state belong to the declared dataset."""
        if self.pipeline is None:
            return self
        paths = self.pipeline.schemas.config
        options = {"refresh": self.pipeline.refresh, "import_schema_path": paths.import_schema_path}
        return replace(self, pipeline=None, options=options)

    def problem(self) -> tuple[str, str]:
        """Return a message and hint for a setting of the user's pipeline that elt cannot apply; else empty strings."""
        if self.pipeline is None:
            return "", ""
        if self.pipeline.dev_mode:
            return (
                f"dlt pipeline {self.pipeline_name} has dev_mode on, which makes a new dataset for every run",
                "dbt's sources need a schema that stays: leave `dev_mode` out.",
            )
        return "", ""


def group(
    candidates: Sequence[Candidate], pipelines: Mapping[str, Pipeline], shown: str
) -> tuple[list[LoadPart], list[str]]:
    """Return the parts of one module, and notes on sources and pipelines that no rule assigns."""
    if not pipelines:
        return [_bare(candidate) for candidate in candidates], []
    assigned = {attribute: _of(pipeline, attribute, candidates, pipelines) for attribute, pipeline in pipelines.items()}
    notes = [
        f"{shown}: no source is loaded by the dlt pipeline {pipelines[attribute].pipeline_name}"
        for attribute, own in assigned.items()
        if not own
    ]
    taken = {candidate.attribute for own in assigned.values() for candidate in own}
    notes += [
        f"{shown}: the module has several dlt pipelines, and none has the name of {candidate.name}; it is not loaded"
        for candidate in candidates
        if candidate.attribute not in taken
    ]
    parts = [
        LoadPart(
            attribute=attribute,
            name=own[0].name if len(own) == 1 else pipelines[attribute].pipeline_name,
            pipeline_name=pipelines[attribute].pipeline_name,
            pipeline=pipelines[attribute],
            candidates=own,
        )
        for attribute, own in assigned.items()
        if own
    ]
    return parts, notes


def _bare(candidate: Candidate) -> LoadPart:
    return LoadPart(
        attribute=candidate.attribute,
        name=candidate.name,
        pipeline_name=OUR_PREFIX + candidate.name,
        candidates=(candidate,),
    )


def _of(
    pipeline: Pipeline, attribute: str, candidates: Sequence[Candidate], pipelines: Mapping[str, Pipeline]
) -> tuple[Candidate, ...]:
    # The only pipeline of a module loads everything; of several, only equal names show which loads what.
    if len(pipelines) == 1:
        return tuple(candidates)
    names = {pipeline.pipeline_name, attribute}
    return tuple(candidate for candidate in candidates if candidate.name in names)
