"""A nightly build as a team has it: scheduled runs that fail, are killed and recover, and who is told."""

import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import ended, really_start
from tests.cli.test_schedules import SLOW, runs, until_it_builds, write
from tests.fakes.mail_room import running_webhook

pytestmark = [pytest.mark.functional, pytest.mark.slow]

NIGHTLY = """
notifications:
  destinations:
    team: {url: "${HOOK}", reminder: 20h}
  rules: [{to: team}]
schedules:
  nightly:
    cron: "0 2 * * *"
    timezone: Europe/Berlin
    options: {select: [orders]}
"""


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch):
    with running_webhook() as running:
        monkeypatch.setenv("HOOK", running.url)
        yield running


def nights(count: int) -> list[str]:
    """Give the last times of the schedule, earliest first."""
    today = datetime.now(UTC).date()
    return [f"{today - timedelta(days=before)}T02:00" for before in range(count, 0, -1)]


def test_a_run_that_fails_is_told_once_and_its_recovery_once(elt, tmp_path: Path, webhook) -> None:
    """Within the time of the reminder, further failures are silent."""
    shop = write(tmp_path / "shop", NIGHTLY, orders="select no_such_column")
    first, second, third = nights(3)
    assert elt("schedule", "run", "nightly", "--time", first, project=shop).code == 1
    webhook.wait_for(1)
    assert elt("schedule", "run", "nightly", "--time", second, project=shop).code == 1
    (shop / "models/orders.sql").write_text("select 1 as id")
    assert elt("schedule", "run", "nightly", "--time", third, project=shop).code == 0
    webhook.wait_for(2)
    time.sleep(1)
    failure, recovery = (one["title"] + one["message"] for one in webhook.messages)
    assert "nightly" in failure
    assert "no_such_column" in failure
    assert "elt retry" in failure
    assert "recovered" in recovery


def test_a_killed_run_is_reported_and_repaired_by_the_next_look(elt, tmp_path: Path, webhook) -> None:
    """The same run goes on, and its end is told as a recovery."""
    shop = write(tmp_path / "shop", NIGHTLY, orders=SLOW % (tmp_path / "slow"))
    (tmp_path / "slow").touch()
    (night,) = nights(1)
    process = really_start("schedule", "run", "nightly", "--time", night, project=shop)
    until_it_builds(shop)
    process.send_signal(signal.SIGKILL)
    ended(process)
    (tmp_path / "slow").unlink()
    assert elt("schedule", "run", "--due", project=shop).code == 0
    assert [status for _, status in runs(shop)] == ["success"]
    webhook.wait_for(2)
    lost, recovery = (one["title"] + one["message"] for one in webhook.messages)
    assert "lost" in lost
    assert "recovered" in recovery
