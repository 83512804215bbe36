"""Random selections over a project with every method select what they select in dbt.

`ELT_SELECTION_EXAMPLES=500` draws so many in each mode.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from dbt.flags import set_flags
from dbt.task.build import BuildTask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator import api
from orchestrator.errors import SelectionError
from orchestrator.execution.inbox import Inbox
from orchestrator.plan.step import BuildStep, TestStep
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.planning import opened, planned
from tests.agreement.projects import write_project
from tests.agreement.selection_answers import Answer, differences
from tests.agreement.selection_grammar import selections
from tests.agreement.selection_sides import ParsedByDbt, answer_of, parse_with_dbt

pytestmark = pytest.mark.functional
PROJECT = "transit"
EXAMPLES = int(os.environ.get("ELT_SELECTION_EXAMPLES", "50"))
MODES = ("eager", "cautious", "buildable", "empty")
Drawn = tuple[tuple[str, ...], tuple[str, ...]]


REFUSED = Answer(refused=True, exit_code=2)


@dataclass(frozen=True, slots=True, repr=False)
class Both:
    """The same project, held open by each side with the same options."""

    project: OpenProject
    build: BuildTask
    drawn: st.SearchStrategy[Drawn]

    def theirs(self, select: tuple[str, ...], exclude: tuple[str, ...]) -> Answer:
        """Let dbt's build fill its queue."""
        flags = self.build.args
        set_flags(flags)
        object.__setattr__(flags, "select", select or None)
        object.__setattr__(flags, "exclude", exclude or None)
        try:
            self.build.job_queue = self.build.get_graph_queue()
        except Exception:  # noqa: BLE001  # whatever it is, it ends dbt
            return REFUSED
        return answer_of(self.build)

    def ours(self, select: tuple[str, ...], exclude: tuple[str, ...]) -> Answer:
        """Let elt make its plan."""
        set_flags(self.project.dbt._session.flags)
        asked = api.Command(
            select=select, exclude=exclude, upstream=api.Upstream.NONE, ingest=False, freshness=False, allow_empty=True
        )
        try:
            steps = planned(asked, self.project).steps
        except SelectionError:
            return REFUSED
        return Answer(nodes=tuple(sorted(step.node for step in steps if isinstance(step, BuildStep | TestStep))))


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> ParsedByDbt:
    """The project, parsed by dbt."""
    return parse_with_dbt(write_project(PROJECT, tmp_path_factory.mktemp("random") / "project"), (), {})


@pytest.fixture(scope="module", params=MODES)
def both(parsed: ParsedByDbt, request: pytest.FixtureRequest) -> Iterator[Both]:
    """The project, open on both sides in one of the modes of indirect selection."""
    mode = ("--indirect-selection", str(request.param))
    build = parsed.prepared(mode, {}).result
    asked = api.Command(project_dir=parsed.folder, dbt_options=mode, ingest=False, upstream=api.Upstream.NONE)
    with opened(asked, Inbox()) as project:
        yield Both(project, build, selections(parsed.manifest))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_random_selection_is_dbts(both: Both, data: st.DataObject) -> None:
    """Names, methods, operators, intersections, unions and exclusions give in each mode the nodes of `dbt build`."""
    select, exclude = data.draw(both.drawn, label="--select, --exclude")
    assert not list(differences(both.theirs(select, exclude), both.ours(select, exclude)))
