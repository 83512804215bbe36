"""A run whose process died is interrupted, never running for ever."""

from datetime import timedelta

import pytest

from orchestrator.execution.liveness import SILENCE, RunState, state_of
from orchestrator.plan.status import Status
from tests.factories import make_head
from tests.fakes.clock import NOON


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.CANCELLED])
def test_a_run_that_has_a_status_has_ended(status: Status) -> None:
    """Whatever became of its process."""
    head = make_head(status=status)
    assert state_of(head, now=NOON, here="laptop", lives=lambda _process, _at: True) is RunState.ENDED


@pytest.mark.parametrize(("lives", "expected"), [(True, RunState.RUNNING), (False, RunState.INTERRUPTED)])
def test_a_process_of_this_machine_is_looked_up(lives: bool, expected: RunState) -> None:
    """However long it has been silent."""
    head = make_head(status=None, host="laptop")
    assert state_of(head, now=NOON + timedelta(days=1), here="laptop", lives=lambda _process, _at: lives) is expected


@pytest.mark.parametrize(("silent", "expected"), [(SILENCE / 2, RunState.RUNNING), (SILENCE, RunState.INTERRUPTED)])
def test_a_process_on_another_machine_is_alive_while_its_heartbeats_arrive(
    silent: timedelta, expected: RunState
) -> None:
    """A run that has said nothing for a minute is interrupted."""
    head = make_head(status=None, host="server")
    assert state_of(head, now=NOON + silent, here="laptop", lives=lambda _process, _at: True) is expected
