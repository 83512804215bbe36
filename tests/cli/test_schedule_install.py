"""`elt schedule install` and `remove`: what they change, and what they refuse."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Said
from tests.cli.test_schedules import DAILY, record, times_of, write

pytestmark = pytest.mark.functional

CRONTAB = """#!/bin/sh
if [ "$1" = -l ]; then
    if [ -f "{file}" ]; then cat "{file}"; else echo "no crontab for ada" >&2; exit 1; fi
else
    cat > "{file}"
fi
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project in a git repository."""
    folder = write(tmp_path / "shop")
    (folder / ".git").mkdir()
    return folder


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file behind a `crontab` program that is found first."""
    program, file = tmp_path / "bin/crontab", tmp_path / "crontab.txt"
    program.parent.mkdir()
    program.write_text(CRONTAB.format(file=file))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return file


def test_the_crontab_gets_a_block_once_and_loses_it_again(elt, shop: Path, crontab: Path) -> None:
    """Other lines stay as they are."""
    mine = "MAILTO=ops\n0 1 * * * backup\n"
    crontab.write_text(mine)
    shown = elt("schedule", "install", "--as", "cron", "--dry-run", project=shop)
    assert "+* * * * * cd " in shown.out
    assert crontab.read_text() == mine
    elt("schedule", "install", "--as", "cron", "--yes", project=shop)
    installed = crontab.read_text()
    assert installed.startswith(mine)
    assert elt("schedule", "install", "--as", "cron", "--yes", project=shop).out.strip() == "Nothing changes."
    assert crontab.read_text() == installed
    elt("schedule", "remove", "--as", "cron", "--yes", project=shop)
    assert crontab.read_text() == mine


def test_without_consent_nothing_is_written(elt, shop: Path, crontab: Path) -> None:
    """There is no terminal to ask on."""
    assert elt("schedule", "install", "--as", "cron", project=shop).code == 2
    assert not crontab.exists()


def test_a_hosted_scheduler_needs_a_record_that_lasts(elt, shop: Path) -> None:
    """A file in the container would be lost with it."""
    said: Said = elt("schedule", "install", "--as", "github", "--yes", project=shop)
    said.refuses("github runs each start in a new container", "Set `store` in elt.yml")
    (shop / "elt.yml").write_text("store: postgresql://elt:${PG_PASSWORD}@db/elt\n" + DAILY)
    os.environ["PG_PASSWORD"] = "s3cr3t-value"
    try:
        said = elt("schedule", "install", "--as", "github", "--yes", project=shop)
    finally:
        del os.environ["PG_PASSWORD"]
    assert said.code == 0
    text = (shop / ".github/workflows/elt-nightly.yml").read_text()
    assert "secrets.PG_PASSWORD" in text
    assert "s3cr3t-value" not in text + said.out
    (shop / ".github/workflows/mine.yml").write_text("name: mine\n")
    (shop / ".github/workflows/elt-mine.yml").write_text("name: mine too\n")
    os.environ["PG_PASSWORD"] = "s3cr3t-value"
    try:
        elt("schedule", "remove", "--as", "github", "--yes", project=shop)
    finally:
        del os.environ["PG_PASSWORD"]
    assert sorted(path.name for path in (shop / ".github/workflows").iterdir()) == ["elt-mine.yml", "mine.yml"]


def test_a_scheduler_that_is_not_there_is_named(elt, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a schedule that does not exist, and a project without any."""
    monkeypatch.setenv("PATH", "/nowhere")
    elt("schedule", "install", "--as", "cron", "--yes", project=shop).refuses("The program crontab is not installed")
    elt("schedule", "install", "--as", "cron", "other", project=shop).refuses("elt.yml has no schedule other")
    (shop / "elt.yml").write_text("")
    elt("schedule", "install", "--as", "cron", project=shop).refuses("elt.yml has no schedules")


def test_a_crontab_that_the_user_may_not_use_is_an_error(elt, shop: Path, crontab: Path) -> None:
    """Nothing is written."""
    program = crontab.parent / "bin/crontab"
    program.write_text("#!/bin/sh\necho 'You (ada) are not allowed to use this program' >&2\nexit 1\n")
    elt("schedule", "install", "--as", "cron", "--yes", project=shop).refuses("not allowed to use this program")


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("cron") is None or os.geteuid() != 0 or Path("/var/run/crond.pid").exists(),
    reason="needs root and an installed cron that is not running",
)
def test_a_real_cron_runs_the_project(elt, shop: Path) -> None:
    """It wakes elt each minute; the second minute finds the time done."""
    before = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    (shop / "elt.yml").write_text(DAILY.replace('"0 2 * * *"', '"* * * * *"'))
    elt("schedule", "list", project=shop)
    daemon = subprocess.Popen(["cron", "-f"])
    try:
        assert elt("schedule", "install", "--as", "cron", "--yes", project=shop).code == 0
        end = time.monotonic() + 200
        while len(record(shop, "select 1 from schedule_times where exit_code = 0")) < 2:
            assert time.monotonic() < end, "cron has not run two times"
            time.sleep(1)
    finally:
        elt("schedule", "remove", "--as", "cron", "--yes", project=shop)
        daemon.terminate()
        daemon.wait()
        if before.returncode:
            subprocess.run(["crontab", "-r"], check=False)
    assert times_of(elt, shop)[0]["exit_code"] == 0
    assert record(shop, "select count(*) from schedule_times where starts > 1") == [(0,)]
