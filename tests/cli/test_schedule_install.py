"""`elt schedule install` and `remove`: what they change, and what they refuse."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.schedules import schedule_install
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


READ_ONLY = """#!/bin/sh
if [ "$1" = -l ]; then echo "no crontab for ada" >&2; else echo "mkstemp: Permission denied" >&2; fi
exit 1
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


def hosted(shop: Path, monkeypatch: pytest.MonkeyPatch, target: str = "{type: duckdb, path: 'md:shop'}") -> None:
    """Let the record be on a server, and the target be another one."""
    monkeypatch.setenv("PG_PASSWORD", "s3cr3t-value")
    (shop / "elt.yml").write_text("store: postgresql://elt:${PG_PASSWORD}@db/elt\n" + DAILY)
    (shop / "profiles.yml").write_text(f"shop: {{target: dev, outputs: {{dev: {target}}}}}\n")


def test_a_hosted_scheduler_needs_a_record_that_lasts(elt, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the container would be lost with it."""
    said: Said = elt("schedule", "install", "--as", "github", "--yes", project=shop)
    said.refuses("github runs each start in a new container", "Set `store` in elt.yml", "with ${NAME}")
    hosted(shop, monkeypatch)
    said = elt("schedule", "install", "--as", "github", "--yes", project=shop)
    assert said.code == 0, said.err
    text = (shop / ".github/workflows/elt-nightly.yml").read_text()
    assert "secrets.PG_PASSWORD" in text
    assert "s3cr3t-value" not in text + said.out
    (shop / ".github/workflows/mine.yml").write_text("name: mine\n")
    (shop / ".github/workflows/elt-mine.yml").write_text("name: mine too\n")
    monkeypatch.delenv("PG_PASSWORD")
    assert elt("schedule", "remove", "--as", "github", "--yes", project=shop).code == 0, "elt.yml need not be valid"
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


@pytest.mark.parametrize("scheduler", ["github", "gitlab", "kubernetes"])
def test_a_hosted_scheduler_needs_a_warehouse_that_lasts(elt, shop: Path, scheduler: str, monkeypatch) -> None:
    """A volume may keep a DuckDB file."""
    install = ("schedule", "install", "--as", scheduler, "--yes", "--image", "registry/shop:1")
    hosted(shop, monkeypatch, "{type: duckdb, path: /data/shop.duckdb}")
    said = elt(*install, project=shop)
    said.refuses(f"{scheduler} runs each start in a new container", "/data/shop.duckdb", "--volume", "nightly")
    claim = "claim:" if scheduler == "kubernetes" else ""
    elt(*install, "--volume", f"{claim}/other", project=shop).refuses("of which only /other is kept")
    assert elt(*install, "--volume", f"{claim}/data", project=shop).code == 0
    elt(*install, "--volume", f"{'' if claim else 'claim:'}/data", project=shop).refuses("PersistentVolumeClaim")
    elt(*install, "--volume", f"{claim}data", project=shop).refuses("is not absolute")
    hosted(shop, monkeypatch, "{type: duckdb, path: '{{ env_var(\"DB\") }}'}")
    said = elt(*install, project=shop)
    assert said.code == 0
    assert "the environment variable DB is not set here" in " ".join(said.out.split())


def test_a_profile_outside_of_the_repository_is_refused(elt, shop: Path, tmp_path: Path, monkeypatch) -> None:
    """The jobs would not have it."""
    hosted(shop, monkeypatch)
    (tmp_path / "home/.dbt").mkdir(parents=True)
    (shop / "profiles.yml").rename(tmp_path / "home/.dbt/profiles.yml")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    install = ("schedule", "install", "--as", "github", "--yes")
    elt(*install, project=shop).refuses("home/.dbt/profiles.yml", "Put a profiles.yml into")
    (shop / "profiles").mkdir()
    (tmp_path / "home/.dbt/profiles.yml").rename(shop / "profiles/profiles.yml")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(shop / "profiles"))
    elt(*install, project=shop).refuses("shop/profiles/profiles.yml")
    elt_yml = shop / "elt.yml"
    elt_yml.write_text(elt_yml.read_text().replace("{select", "{profiles_dir: profiles, select"))
    assert elt(*install, project=shop).code == 0


def test_a_profile_of_the_shell_is_not_that_of_the_jobs(elt, shop: Path, tmp_path: Path, monkeypatch) -> None:
    """The jobs read the one of the project."""
    hosted(shop, monkeypatch)
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    (tmp_path / "profiles.yml").write_text("shop: {target: dev, outputs: {dev: {type: duckdb, path: mine.duckdb}}}\n")
    said = elt("schedule", "install", "--as", "github", "--yes", project=shop)
    assert said.code == 0, said.err
    assert "MOTHERDUCK_TOKEN" in said.out


def test_a_job_installs_what_the_project_needs(elt, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output says where from; secrets of dlt are named as the variables that replace them."""
    hosted(shop, monkeypatch)
    (shop / "packages.yml").write_text("packages: [{package: dbt-labs/dbt_utils, version: 1.3.0}]\n")
    (shop / "requirements.txt").write_text("pandas\n")
    (shop / ".dlt").mkdir()
    (shop / ".dlt/secrets.toml").write_text("[sources.crm]\napi_key = 'hidden'\n")
    said = elt("schedule", "install", "--as", "github", "--yes", project=shop)
    assert "The jobs install what requirements.txt lists, and elt-orchestrator[postgres]==" in said.out
    assert "PG_PASSWORD, SOURCES__CRM__API_KEY" in said.out
    assert "Commit the workflows to the default branch" in said.out
    assert "start each job once by hand" in said.out
    text = (shop / ".github/workflows/elt-nightly.yml").read_text()
    assert "- run: elt deps\n" in text
    assert "hidden" not in text + said.out


def test_a_schedule_that_was_renamed_leaves_no_workflow(elt, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would fail each night. A file that someone else wrote is not replaced."""
    hosted(shop, monkeypatch)
    elt("schedule", "install", "--as", "github", "--yes", project=shop)
    (shop / "elt.yml").write_text((shop / "elt.yml").read_text().replace("nightly:", "evening:"))
    elt("schedule", "install", "--as", "github", "--yes", project=shop)
    assert [path.name for path in (shop / ".github/workflows").iterdir()] == ["elt-evening.yml"]
    (shop / ".github/workflows/elt-evening.yml").write_text("name: mine\n")
    said = elt("schedule", "install", "--as", "github", "--yes", project=shop)
    said.refuses("elt-evening.yml exists, and `elt schedule install` did not write it", "Rename it")


def test_a_project_that_was_moved_is_named_and_can_be_removed(elt, shop: Path, crontab: Path) -> None:
    """Its folder no longer exists."""
    elt("schedule", "install", "--as", "cron", "--yes", project=shop)
    moved = shop.rename(shop.parent / "moved")
    said = elt("schedule", "install", "--as", "cron", "--yes", project=moved)
    assert f"cron also starts {shop}, which does not exist" in said.out
    elt("schedule", "remove", "--as", "systemd", "--yes", project=shop).refuses("does not exist")
    assert elt("schedule", "remove", "--as", "cron", "--yes", project=shop).code == 0
    assert f"of {shop}: " not in crontab.read_text()
    assert f"of {moved}: begin" in crontab.read_text()


def test_a_project_whose_configuration_is_broken_can_be_removed(elt, shop: Path, crontab: Path) -> None:
    """Here elt.yml names a project that does not exist."""
    elt("schedule", "install", "--as", "cron", "--yes", project=shop)
    (shop / "dbt_project.yml").unlink()
    (shop / "elt.yml").write_text("dbt_project: gone\n")
    assert elt("schedule", "remove", "--as", "cron", "--yes", project=shop).code == 0
    assert crontab.read_text() == ""
    elt("schedule", "remove", "--as", "cron", "--yes", project=shop).refuses("there is no dbt_project.yml")


def test_a_crontab_with_another_shell_is_refused(elt, shop: Path, crontab: Path) -> None:
    """fish and csh do not understand the line; a later line may choose sh again."""
    crontab.write_text("SHELL=/usr/bin/fish\n@daily backup\n")
    install = ("schedule", "install", "--as", "cron", "--yes")
    elt(*install, project=shop).refuses("Your crontab sets SHELL=/usr/bin/fish", "SHELL=/bin/sh")
    crontab.write_text(crontab.read_text() + "SHELL = '/bin/bash'\n")
    assert elt(*install, project=shop).code == 0
    assert elt(*install, project=shop).out.strip() == "Nothing changes."


def test_a_line_in_another_encoding_stays_as_it_is(elt, shop: Path, crontab: Path) -> None:
    """A crontab may be older than UTF-8."""
    crontab.write_bytes(b"# gr\xfc\xdfe\n")
    assert elt("schedule", "install", "--as", "cron", "--yes", project=shop).code == 0
    assert crontab.read_bytes().startswith(b"# gr\xfc\xdfe\n# elt schedules of ")


def test_a_path_that_no_crontab_can_contain_is_refused(elt, tmp_path: Path, crontab: Path) -> None:
    """A line end would begin another command; a backslash means different things to different crons."""
    for name in ("a\nb", "a\\b"):
        folder = write(tmp_path / name)
        elt("schedule", "install", "--as", "cron", "--yes", project=folder).refuses("no line for it can contain")
    folder = write(tmp_path / ("x" * 200) / ("y" * 200) / ("z" * 200) / ("w" * 200))
    elt("schedule", "install", "--as", "cron", "--yes", project=folder).refuses("998 characters that cron reads")
    assert not crontab.exists()


def test_a_crontab_that_cannot_be_written_is_an_error(elt, shop: Path, crontab: Path) -> None:
    """The message of the program is shown. --dry-run shows the lines, for whoever may add them."""
    program = crontab.parent / "bin/crontab"
    program.write_text(READ_ONLY)
    elt("schedule", "install", "--as", "cron", "--yes", project=shop).refuses(
        "`crontab -` failed: mkstemp: Permission denied", "/etc/cron.allow"
    )
    program.write_text("#!/bin/sh\necho 'You (ada) are not allowed to use this program' >&2\nexit 1\n")
    assert "+* * * * * cd " in elt("schedule", "install", "--as", "cron", "--dry-run", project=shop).out
    program.write_text("no program")
    elt("schedule", "install", "--as", "cron", "--yes", project=shop).refuses("cannot be started")


def test_files_that_cannot_be_written_are_named(elt, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a file is where a folder should be, which even root cannot write through."""
    hosted(shop, monkeypatch)
    (shop / ".github").write_text("")
    elt("schedule", "install", "--as", "github", "--yes", project=shop).refuses(".github", "--dry-run")


SYSTEMCTL = """#!/bin/sh
echo "$@" $(ls {folder}) >> {log}
exit {code}
"""


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `systemctl` that notes its words and the units that exist, and the folder of the units."""
    folder, log, program = tmp_path / "units", tmp_path / "systemctl.log", tmp_path / "bin/systemctl"
    folder.mkdir()
    program.parent.mkdir()
    program.write_text(SYSTEMCTL.format(folder=folder, log=log, code=0))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(schedule_install, "unit_folder", lambda: folder)
    return folder


def test_a_timer_is_stopped_while_its_unit_exists(elt, shop: Path, systemctl: Path) -> None:
    """systemd does not disable a unit whose file is gone."""
    assert elt("schedule", "install", "--as", "systemd", "--yes", project=shop).code == 0
    assert sorted(path.suffix for path in systemctl.iterdir()) == [".service", ".timer"]
    log = systemctl.parent / "systemctl.log"
    assert [line.split(".timer")[0].split()[-3] for line in log.read_text().splitlines()[1:]] == ["enable"]
    log.write_text("")
    assert elt("schedule", "remove", "--as", "systemd", "--yes", project=shop).code == 0
    assert not list(systemctl.iterdir())
    first, *_ = log.read_text().splitlines()
    assert first.count(".timer") == 2, "the name, and the file"
    assert "disable --now" in first


def test_units_are_removed_where_systemd_does_not_run(elt, shop: Path, systemctl: Path) -> None:
    """The message says what is left to do; without systemctl nothing is written."""
    program = systemctl.parent / "bin/systemctl"
    program.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    elt("schedule", "install", "--as", "systemd", "--yes", project=shop).refuses("Failed to connect to bus")
    assert len(list(systemctl.iterdir())) == 2
    elt("schedule", "remove", "--as", "systemd", "--yes", project=shop).refuses("Failed to connect to bus")
    assert not list(systemctl.iterdir())


def test_without_systemctl_no_unit_is_written(elt, shop: Path, systemctl: Path, monkeypatch) -> None:
    """It could not be started."""
    monkeypatch.setenv("PATH", "/nowhere")
    elt("schedule", "install", "--as", "systemd", "--yes", project=shop).refuses("The program systemctl is not")
    assert not list(systemctl.iterdir())


def cron_can_be_started() -> bool:
    """Return whether cron is installed and this user may start it; one that was killed leaves its file."""
    if shutil.which("cron") is None or os.geteuid() != 0:
        return False
    return not any(process.info["name"] in {"cron", "crond"} for process in psutil.process_iter(["name"]))


@pytest.mark.slow
@pytest.mark.skipif(not cron_can_be_started(), reason="needs root and an installed cron that is not running")
def test_a_real_cron_runs_the_projects(elt, shop: Path) -> None:
    """It wakes elt each minute; the second minute finds the time done. A path may have any other character."""
    before = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    projects = (shop, write(shop.parent / '100% o\'brien "größe" $HOME'))
    for project in projects:
        (project / "elt.yml").write_text(DAILY.replace('"0 2 * * *"', '"* * * * *"'))
        elt("schedule", "run", "--due", project=project)
    daemon = subprocess.Popen(["cron", "-f"])
    try:
        for project in projects:
            assert elt("schedule", "install", "--as", "cron", "--yes", project=project).code == 0
        end = time.monotonic() + 200
        while any(len(record(one, "select 1 from schedule_times where exit_code = 0")) < 2 for one in projects):
            assert time.monotonic() < end, "cron has not run both projects two times"
            time.sleep(1)
    finally:
        for project in projects:
            elt("schedule", "remove", "--as", "cron", "--yes", project=project)
        daemon.terminate()
        daemon.wait()
        if before.returncode:
            subprocess.run(["crontab", "-r"], check=False)
    for project in projects:
        assert times_of(elt, project)[0]["exit_code"] == 0
        assert record(project, "select count(*) from schedule_times where starts > 1") == [(0,)]
