"""Maintenance windows: when schedules do not start."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.config.loader import load_settings
from orchestrator.config.maintenance_settings import MaintenanceWindow, reason_at
from orchestrator.errors import ConfigurationError

SCHEDULES = "schedules: {nightly: {cron: '0 2 * * *'}, hourly: {cron: '0 * * * *'}}\n"


def windows(tmp_path: Path, text: str) -> tuple[MaintenanceWindow, ...]:
    """Load the windows of an elt.yml."""
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    (tmp_path / "elt.yml").write_text(SCHEDULES + "maintenance:\n" + text)
    return load_settings(tmp_path, environ={}).maintenance


def utc(text: str) -> datetime:
    """Give a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_window_is_in_its_zone_and_its_end_is_not_part_of_it(tmp_path: Path) -> None:
    """18:00 in Berlin is 17:00 UTC in winter."""
    text = "  - {from: 2026-12-24 18:00, to: 2026-12-27 06:00, timezone: Europe/Berlin, reason: close}\n"
    found = windows(tmp_path, text)
    expected = {"2026-12-24 16:59": None, "2026-12-24 17:00": "close", "2026-12-27 04:59": "close"}
    expected["2026-12-27 05:00"] = None
    assert {at: reason_at(found, "nightly", utc(at)) for at in expected} == expected


def test_a_repeated_window_covers_its_duration_each_time(tmp_path: Path) -> None:
    """And only the schedules that it names."""
    found = windows(tmp_path, "  - {cron: '0 22 * * sat', for: 4h, schedules: [hourly]}\n")
    expected = {"2026-11-28 21:59": None, "2026-11-28 22:00": "maintenance", "2026-11-29 01:59": "maintenance"}
    expected["2026-11-29 02:00"] = None
    assert {at: reason_at(found, "hourly", utc(at)) for at in expected} == expected
    assert reason_at(found, "nightly", utc("2026-11-28 23:00")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  - {reason: why}", "elt.yml:3: 'maintenance': a window has 'from' and 'to', or 'cron' and 'for'"),
        ("  - {from: 2026-12-24 18:00}", "a window with 'from' or 'to' has both"),
        ("  - {cron: '@daily'}", "a window with 'cron' or 'for' has both"),
        ("  - {from: 2026-12-24 18:00, to: 2026-12-24 17:00}", "it ends at 2026-12-24 17:00, which is not after"),
        (
            "  - {cron: '@daily', for: 1h, schedules: nightlies}",
            "'nightlies' is not a schedule. Did you mean",
        ),
        ("  - {from: 2026-12-24T18:00+01:00, to: 2026-12-27}", "expected a time without an offset"),
        ("  - {from: christmas, to: 2026-12-27}", "expected a time such as 2026-12-24 18:00"),
    ],
)
def test_a_window_that_is_none_is_a_mistake(tmp_path: Path, text: str, said: str) -> None:
    """The message has the line of the window."""
    with pytest.raises(ConfigurationError) as caught:
        windows(tmp_path, text + "\n")
    assert said in caught.value.message
