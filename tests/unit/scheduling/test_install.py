"""What lets a scheduler start the schedules: every time of them is followed by a start, in any season."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.scheduling.hosted_schedulers import hosted_files
from orchestrator.scheduling.install_facts import (
    ENVIRONMENT,
    ExternalScheduler,
    InstallFacts,
    Variables,
    unit_name,
    variables_in,
)
from orchestrator.scheduling.local_schedulers import (
    crontab_with,
    crontab_without,
    environment_notes,
    project_of_unit,
    projects_in_crontab,
    systemd_units,
)
from orchestrator.scheduling.project_packages import Packages
from orchestrator.scheduling.utc_entries import delay_of, utc_entries
from orchestrator.timetable.cron import Timetable

ODD = Path("/srv/100% o'brien/shop")


def facts(**known: object) -> InstallFacts:
    """Describe a project with one schedule."""
    nightly = ScheduleSettings(name="nightly", cron=("0 2 * * *",), timezone="Europe/Berlin")
    return InstallFacts(
        **{
            "project_root": Path("/srv/shop"),
            "folder_in_repository": ".",
            "python": "/opt/venv/bin/python",
            "python_version": "3.12",
            "all_names": ("nightly",),
            "packages": Packages(beside=("elt-orchestrator[postgres]==0.1.0",)),
            "has_dbt_packages": False,
            "volume": None,
            "user": None,
            "schedules": (nightly,),
            "named": False,
            "variables": Variables(required=("PG_PASSWORD",)),
            "image": "registry.example/shop:1",
            "year": 2026,
            **known,
        }
    )


def test_a_zone_with_daylight_saving_gets_an_entry_for_each_offset() -> None:
    """02:00 in Berlin is 01:00 UTC in winter and 00:00 UTC in summer, and a few minutes later."""
    minute = delay_of("nightly")
    entries = utc_entries(("0 2 * * *",), "Europe/Berlin", "nightly", year=2026)
    assert entries == (f"{minute} 1 * * *", f"{minute} 0 * * *")
    assert minute % 2 == 1


EXPRESSIONS = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["0", "30", "55", "*/20", "0,45"]),
    st.sampled_from(["*", "0", "2", "23", "*/6", "0-3", "22,23"]),
    st.sampled_from(["*", "1", "28", "L", "LW", "1-31"]),
    st.sampled_from(["*", "3", "oct-dec"]),
    st.sampled_from(["*", "sun", "1-5", "7", "5L", "fri#2"]),
)
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC", "America/St_Johns"]
)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS, ZONES, st.integers(min_value=0, max_value=700))
def test_each_time_of_a_schedule_is_followed_by_an_entry(expression: str, zone: str, day: int) -> None:
    """Within an hour and a quarter, also on the days on which the clocks change; and any cron can read the entry."""
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    written = utc_entries((expression,), zone, "nightly", year=2026)
    assert all(re.fullmatch(r"[0-9,* ]+", one) and "7" not in one.split()[-1] for one in written), written
    entries = Timetable(expressions=written)
    for number, moment in enumerate(Timetable(expressions=(expression,), zone=zone).after(begin)):
        if number == 20 or moment.at.year > 2027:
            break
        woken = next(entries.after(moment.at))
        assert woken.at - moment.at <= timedelta(minutes=75), (moment, woken)


@given(st.lists(st.sampled_from(["MAILTO=ops", "0 1 * * * backup", "", "# mine", "# elt schedules of /other: begin"])))
def test_a_crontab_is_restored_as_it_was(lines: list[str]) -> None:
    """Installing twice is installing once."""
    crontab = "".join(f"{line}\n" for line in lines)
    installed = crontab_with(crontab, facts())
    assert crontab_with(installed, facts()) == installed
    assert installed.startswith(crontab)
    assert crontab_without(installed, Path("/srv/shop")) == crontab


def test_a_crontab_line_works_in_any_folder(tmp_path: Path) -> None:
    """cron turns each % that is not escaped into a line end; the shell must find the folder."""
    root = tmp_path / "100% o'brien"
    root.mkdir()
    line = crontab_with("", facts(project_root=root, python="/bin/echo")).splitlines()[1]
    command = re.sub(r"\\%", "%", line.removeprefix("* * * * * "))
    assert not re.search(r"(?<!\\)%", line)
    subprocess.run(["/bin/sh", "-c", command], check=True)
    (log,) = (root / ".elt/logs").iterdir()
    assert re.fullmatch(r"schedule-\d{4}-\d\d\.log", log.name)
    assert log.read_text() == "-P -m orchestrator schedule run --due\n"


def test_a_crontab_line_takes_its_environment_from_a_file(tmp_path: Path) -> None:
    """cron starts with an empty one; the file may also be missing."""
    (tmp_path / ".elt").mkdir()
    (tmp_path / ENVIRONMENT).write_text("# secrets\nSLACK_URL='slack://a b/#c'\n")
    program = tmp_path / "show"
    program.write_text('#!/bin/sh\necho "$SLACK_URL"\n')
    program.chmod(0o755)
    line = crontab_with("", facts(project_root=tmp_path, python=str(program))).splitlines()[1]
    command = re.sub(r"\\%", "%", line.removeprefix("* * * * * "))
    subprocess.run(["/bin/sh", "-c", command], check=True, env={"PATH": os.environ["PATH"]})
    (log,) = (tmp_path / ".elt/logs").iterdir()
    assert log.read_text() == "slack://a b/#c\n"


def test_the_environment_of_cron_and_systemd_is_named() -> None:
    """The variables, the file, and what a timer of a user needs."""
    said = "\n".join(
        environment_notes(
            ExternalScheduler.SYSTEMD, facts(variables=Variables(required=("PING", "SLACK_URL"))), is_root=False
        )
    )
    assert "PING, SLACK_URL" in said
    assert f"{facts().project_root}/{ENVIRONMENT}" in said
    assert "loginctl enable-linger" in said
    assert not list(environment_notes(ExternalScheduler.CRON, facts(variables=Variables()), is_root=False))
    assert f"EnvironmentFile=-{facts().project_root}/{ENVIRONMENT}" in "".join(systemd_units(facts()).values())


def test_named_schedules_are_named_in_the_command() -> None:
    """Without names, schedules that are added later are started as well."""
    assert crontab_with("", facts(named=True)).count("--due nightly") == 1
    assert crontab_with("", facts()).count("--due nightly") == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("folder", ["shop", "100% o'brien", 'a$b [1] "größe"'])
def test_systemd_accepts_the_units(tmp_path: Path, folder: str) -> None:
    """systemd-analyze reports nothing about them."""
    root = tmp_path / folder
    root.mkdir()
    for name, text in systemd_units(facts(project_root=root, python=sys.executable)).items():
        (tmp_path / name).write_text(text)
    units = [str(path) for path in tmp_path.glob("elt-*")]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert [line for line in said.stderr.splitlines() if "elt-" in line] == []


def checked(schema: str, path: Path, text: str) -> None:
    """Check a file with one of the schemas that ship with check-jsonschema."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_github_workflow_is_valid_and_passes_secrets_by_name(tmp_path: Path) -> None:
    """One at a time, without cancelling the one in progress."""
    ((path, text),) = hosted_files(ExternalScheduler.GITHUB, facts()).items()
    checked("vendor.github-workflows", tmp_path / path, text)
    document = yaml.safe_load(text)
    assert len(document[True]["schedule"]) == 2  # YAML 1.1 reads the key `on` as true
    assert document["concurrency"] == {"group": "elt-nightly", "cancel-in-progress": False}
    last = document["jobs"]["run"]["steps"][-1]
    assert (last["run"], last["env"]) == (
        "elt schedule run --due nightly",
        {"PG_PASSWORD": "${{ secrets.PG_PASSWORD }}"},
    )


def test_a_gitlab_job_is_valid_and_is_not_retried_by_gitlab(tmp_path: Path) -> None:
    """elt retries by its own record."""
    ((path, text),) = hosted_files(ExternalScheduler.GITLAB, facts()).items()
    checked("vendor.gitlab-ci", tmp_path / path, text)
    job = yaml.safe_load(text)["elt nightly"]
    assert (job["retry"], job["resource_group"], job["script"][-1]) == (
        0,
        "elt-nightly",
        "elt schedule run --due nightly",
    )


def test_kubernetes_cron_jobs_are_valid() -> None:
    """One for each entry; none starts while another runs."""
    import kubernetes_validate

    ((_, text),) = hosted_files(ExternalScheduler.KUBERNETES, facts()).items()
    jobs = list(yaml.safe_load_all(text))
    for job in jobs:
        kubernetes_validate.validate(job, "1.30", strict=True)
    assert [job["metadata"]["name"] for job in jobs] == ["elt-nightly", "elt-nightly-1"]
    spec = jobs[0]["spec"]
    assert (spec["concurrencyPolicy"], spec["timeZone"], spec["jobTemplate"]["spec"]["backoffLimit"]) == (
        *("Forbid", "Etc/UTC", 0),
    )
    container = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == shlex.split("elt schedule run --due nightly")
    assert container["envFrom"] == [{"secretRef": {"name": "elt"}}]
    assert "It must have: PG_PASSWORD." in text
    assert "workingDir" not in container, "the image has its own"


def test_names_that_yaml_could_misread_are_quoted(tmp_path: Path) -> None:
    """A schedule may be called `on` or `1.0`."""
    for name in ("on", "1.0", "null"):
        odd = facts(schedules=(ScheduleSettings(name=name, cron=("0 0 * * *",)),))
        ((path, text),) = hosted_files(ExternalScheduler.GITHUB, odd).items()
        checked("vendor.github-workflows", tmp_path / path, text)
        assert yaml.safe_load(text)["concurrency"]["group"] == f"elt-{name.replace('.', '-')}"


def test_the_variables_of_the_project_are_found() -> None:
    """In elt.yml and in dbt's files; one that always has a default need not be set."""
    elt_yml = "store: postgresql://u:${PG_PASSWORD}@h/d\nx: ${A:-b}\n# old: ${GONE}"
    profiles = "p: {{ env_var('B') }}{{ env_var(\"C\", 'c') }}{{ env_var('A') }}"
    found = variables_in((elt_yml, profiles), ["ELT_STORE"])
    assert found == Variables(required=("A", "B", "ELT_STORE", "PG_PASSWORD"), with_default=("C",))
    assert found.names == ("A", "B", "C", "ELT_STORE", "PG_PASSWORD")


def test_a_block_whose_last_line_was_deleted_takes_no_other_line_with_it() -> None:
    """What follows the line of elt belongs to the user."""
    begin, line, _ = crontab_with("", facts()).splitlines()
    assert crontab_without(f"{begin}\n{line}\n0 1 * * * backup\n", Path("/srv/shop")) == "0 1 * * * backup\n"
    assert crontab_without(f"{begin}\n0 1 * * * backup\n", Path("/srv/shop")) == "0 1 * * * backup\n"


def test_projects_share_a_crontab() -> None:
    """Each has a block, by its folder."""
    two = crontab_with(crontab_with("", facts()), facts(project_root=ODD))
    assert projects_in_crontab(two) == (Path("/srv/shop"), ODD)
    assert projects_in_crontab(crontab_without(two, ODD)) == (Path("/srv/shop"),)


def test_old_logs_are_deleted_when_a_month_begins(tmp_path: Path) -> None:
    """Nothing else is, and not while the log of the month exists."""
    logs = tmp_path / ".elt/logs"
    logs.mkdir(parents=True)
    for name, days in (("schedule-2020-01.log", 500), ("schedule-2026-01.log", 300), ("elt.log", 500)):
        (logs / name).write_text("")
        at = time.time() - days * 86400
        os.utime(logs / name, (at, at))
    line = crontab_with("", facts(project_root=tmp_path, python="/bin/echo")).splitlines()[1]
    subprocess.run(["/bin/sh", "-c", line.removeprefix("* * * * * ").replace("\\%", "%")], check=True)
    assert {"elt.log", "schedule-2026-01.log"} < {path.name for path in logs.iterdir()}
    assert not (logs / "schedule-2020-01.log").exists()


def test_programs_of_the_environment_of_elt_are_found(tmp_path: Path) -> None:
    """A step may call `dbt` or `python`; cron and systemd know only those of the system."""
    program = tmp_path / "bin/python"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$PATH"\n')
    program.chmod(0o755)
    line = crontab_with("", facts(project_root=tmp_path, python=str(program))).splitlines()[1]
    command = line.removeprefix("* * * * * ").replace("\\%", "%")
    subprocess.run(["/bin/sh", "-c", command], check=True, env={"PATH": "/usr/bin:/bin"})
    (log,) = (tmp_path / ".elt/logs").iterdir()
    assert log.read_text() == f"{program.parent}:/usr/bin:/bin\n"
    service = systemd_units(facts(python=str(program)))[f"{unit_name(Path('/srv/shop'))}.service"]
    assert f'Environment="PATH={program.parent}:/usr/local/sbin:' in service


def test_a_service_of_the_machine_runs_as_the_owner_of_the_project() -> None:
    """Otherwise root would own what the runs write; a service of a user has no `User`."""
    assert "\nUser=ada\n" in "".join(systemd_units(facts(user="ada")).values())
    assert "User=" not in "".join(systemd_units(facts()).values())


@pytest.mark.parametrize("root", ["/srv/shop", '/srv/a$b [1] 100% "c"', "/srv/größe o'brien"])
def test_the_folder_of_a_unit_is_found_again(root: str) -> None:
    """In these lines only % has a meaning to systemd: $ and quotes stay as they are."""
    service = next(iter(systemd_units(facts(project_root=Path(root))).values()))
    assert f"WorkingDirectory={root.replace('%', '%%')}\n" in service
    assert project_of_unit(service) == Path(root)
