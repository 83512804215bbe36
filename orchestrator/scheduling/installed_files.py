"""Writes the files that let a scheduler start the schedules of a project: pure functions from facts to text."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.scheduling.utc_entries import utc_entries

WRITTEN = "# Written by `elt schedule install`; `elt schedule remove` deletes it."
_MINUTES = 360
_GRACE = 60  # seconds
ENVIRONMENT = ".elt/schedule.env"
"""The file in the folder of elt.yml from which cron and systemd take the environment of the runs."""


class ExternalScheduler(StrEnum):
    """What starts the schedules."""

    CRON = "cron"
    SYSTEMD = "systemd"
    GITHUB = "github"
    GITLAB = "gitlab"
    KUBERNETES = "kubernetes"


HOSTED = frozenset({ExternalScheduler.GITHUB, ExternalScheduler.GITLAB, ExternalScheduler.KUBERNETES})
"""They run each start in a new container: the record must be on a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallFacts:
    """What the files depend on."""

    project_root: Path
    """The folder of elt.yml."""
    folder_in_repository: str
    """The same, relative to the root of the repository."""
    python: str
    """The interpreter that has elt."""
    version: str
    schedules: tuple[ScheduleSettings, ...]
    named: bool
    """Whether the user named the schedules; else all of them are started."""
    variables: tuple[str, ...]
    """The environment variables that elt.yml and profiles.yml read."""
    requirements: str | None
    """The file that lists the project's Python packages, relative to the root of the repository."""
    image: str | None
    """The container image for Kubernetes."""
    year: int

    @property
    def names(self) -> tuple[str, ...]:
        """The schedules as words of the command line; none for all."""
        return tuple(one.name for one in self.schedules) if self.named else ()

    @property
    def slug(self) -> str:
        """A name for units that belong to this project."""
        digest = hashlib.sha256(str(self.project_root).encode()).hexdigest()[:6]
        return f"elt-{_slug(self.project_root.name)}-{digest}"


def crontab_with(crontab: str, facts: InstallFacts) -> str:
    """Return a crontab in which a block starts the schedules of the project; other lines stay as they are."""
    begin, end = _marks(facts.project_root)
    log = ".elt/logs/schedule-$(date +%Y-%m).log"
    words = shlex.join([facts.python, "-m", "orchestrator", "schedule", "run", "--due", *facts.names])
    sourced = f"{{ set -a; [ ! -f {ENVIRONMENT} ] || . ./{ENVIRONMENT}; set +a; }}"
    line = f"cd {shlex.quote(str(facts.project_root))} && mkdir -p .elt/logs && {sourced} && {words} >> {log} 2>&1"
    # cron reads % as the end of the command.
    block = [begin, "* * * * * " + line.replace("%", "\\%"), end]
    kept = crontab_without(crontab, facts.project_root)
    before = kept if not kept or kept.endswith("\n") else kept + "\n"
    return before + "\n".join(block) + "\n"


def crontab_without(crontab: str, project_root: Path) -> str:
    """Return a crontab without the block of a project."""
    begin, end = _marks(project_root)
    kept, is_inside = [], False
    for line in crontab.splitlines(keepends=True):
        text = line.rstrip("\n")
        if text == begin:
            is_inside = True
        if not is_inside:
            kept.append(line)
        if text == end:
            is_inside = False
    return "".join(kept)


def _marks(project_root: Path) -> tuple[str, str]:
    return f"# elt schedules of {project_root}: begin", f"# elt schedules of {project_root}: end"


def systemd_units(facts: InstallFacts) -> dict[str, str]:
    """Return the units by their names: a service that starts what is due, and the timer that wakes it each minute."""
    words = [facts.python, "-m", "orchestrator", "schedule", "run", "--due", *facts.names]
    command = " ".join(f'"{_unit_text(word)}"' for word in words)
    root = _unit_text(str(facts.project_root))
    service = f"""{WRITTEN}
[Unit]
Description=elt schedules of {root}

[Service]
Type=oneshot
WorkingDirectory={root}
EnvironmentFile=-{root}/{ENVIRONMENT}
ExecStart={command}
KillMode=mixed
TimeoutStopSec={_GRACE}
"""
    timer = f"""{WRITTEN}
[Unit]
Description=Wake the elt schedules of {root}

[Timer]
OnCalendar=minutely
AccuracySec=1s

[Install]
WantedBy=timers.target
"""
    return {f"{facts.slug}.service": service, f"{facts.slug}.timer": timer}


def _unit_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")


def environment_notes(scheduler: ExternalScheduler, facts: InstallFacts, *, is_root: bool) -> Iterator[str]:
    """Yield what cron and systemd need besides their files: they start with nearly no environment."""
    yield from named_variables(f"{scheduler} does not know the environment of your shell. Write these variables", facts)
    if facts.variables:
        file = shlex.quote(str(facts.project_root / ENVIRONMENT))
        yield f"as lines NAME='value' into a file that only you can read: install -m 600 /dev/null {file}"
    if scheduler is ExternalScheduler.SYSTEMD and not is_root:
        yield "A timer of a user stops when the user logs out, unless you call: loginctl enable-linger"


def named_variables(words: str, facts: InstallFacts) -> tuple[str, ...]:
    """Return a line that names the variables that the project reads; none if it reads none."""
    return (f"{words}: {', '.join(facts.variables)}",) if facts.variables else ()


def github_workflows(facts: InstallFacts) -> dict[str, str]:
    """Return a workflow for each schedule, by its path in the repository."""
    return {f".github/workflows/elt-{_slug(one.name)}.yml": _workflow(facts, one) for one in facts.schedules}


def _workflow(facts: InstallFacts, schedule: ScheduleSettings) -> str:
    entries = "".join(f"\n    - cron: {json.dumps(entry)}" for entry in _utc(facts, schedule))
    variables = "".join(f"\n          {name}: ${{{{ secrets.{name} }}}}" for name in facts.variables)
    env = f"\n        env:{variables}" if variables else ""
    return f"""{WRITTEN}
# The entries are in UTC, for each offset of {schedule.timezone}; elt decides from its record what is due.
name: {json.dumps(f"elt {schedule.name}")}
on:
  schedule:{entries}
  workflow_dispatch:
concurrency:
  group: {json.dumps(f"elt-{schedule.name}")}
  cancel-in-progress: false
permissions:
  contents: read
jobs:
  run:
    runs-on: ubuntu-latest
    timeout-minutes: {_MINUTES}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: {json.dumps(_pip(facts))}
      - run: {json.dumps(_due(schedule))}
        working-directory: {json.dumps(facts.folder_in_repository)}{env}
"""


def gitlab_files(facts: InstallFacts) -> dict[str, str]:
    """Return a file with a job for each schedule, which .gitlab-ci.yml includes."""
    jobs = "".join(_gitlab_job(facts, one) for one in facts.schedules)
    return {".gitlab/elt-schedules.yml": f"{WRITTEN}\n{jobs}"}


def _gitlab_job(facts: InstallFacts, schedule: ScheduleSettings) -> str:
    rule = f'$CI_PIPELINE_SOURCE == "schedule" && $ELT_SCHEDULE == "{schedule.name}"'
    return f"""
{json.dumps(f"elt {schedule.name}")}:
  image: python:3.11
  rules:
    - if: {json.dumps(rule)}
  resource_group: {json.dumps(f"elt-{schedule.name}")}
  retry: 0
  timeout: {_MINUTES} minutes
  script:
    - {json.dumps(_pip(facts))}
    - {json.dumps(f"cd {shlex.quote(facts.folder_in_repository)}")}
    - {json.dumps(_due(schedule))}
"""


def gitlab_schedules(facts: InstallFacts) -> Iterator[str]:
    """Yield what to enter as pipeline schedules, which GitLab keeps outside of the repository."""
    for one in facts.schedules:
        for entry in _utc(facts, one):
            yield f"{entry} (UTC), with the variable ELT_SCHEDULE={one.name}"


def kubernetes_files(facts: InstallFacts) -> dict[str, str]:
    """Return the CronJobs of each schedule, by the path of their file in the repository."""
    return {f"kubernetes/elt-{_slug(one.name)}.yaml": _cron_jobs(facts, one) for one in facts.schedules}


def _cron_jobs(facts: InstallFacts, schedule: ScheduleSettings) -> str:
    entries = _utc(facts, schedule)
    names = [f"elt-{_slug(schedule.name)}" + (f"-{number}" if number else "") for number in range(len(entries))]
    jobs = [_cron_job(facts, schedule, name, entry) for name, entry in zip(names, entries, strict=True)]
    return WRITTEN + "\n" + "---\n".join(jobs)


def _cron_job(facts: InstallFacts, schedule: ScheduleSettings, name: str, entry: str) -> str:
    variables = "".join(
        f"""
                - name: {variable}
                  valueFrom:
                    secretKeyRef: {{name: elt, key: {variable}}}"""
        for variable in facts.variables
    )
    env = f"\n              env:{variables}" if variables else ""
    return f"""apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}
spec:
  schedule: {json.dumps(entry)}
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: {_GRACE}
          containers:
            - name: elt
              image: {json.dumps(facts.image)}
              workingDir: {json.dumps(facts.folder_in_repository)}
              command: {json.dumps(_due_words(schedule))}{env}
"""


def _utc(facts: InstallFacts, schedule: ScheduleSettings) -> tuple[str, ...]:
    return utc_entries(schedule.cron, schedule.timezone, schedule.name, year=facts.year)


def _due_words(schedule: ScheduleSettings) -> list[str]:
    return ["elt", "schedule", "run", "--due", schedule.name]


def _due(schedule: ScheduleSettings) -> str:
    return shlex.join(_due_words(schedule))


def _pip(facts: InstallFacts) -> str:
    if facts.requirements is not None:
        return f"python -m pip install -r {shlex.quote(facts.requirements)}"
    return f'python -m pip install "elt-orchestrator[all,postgres]=={facts.version}"'


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"


def variables_in(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the environment variables that elt.yml (`${NAME}`) and dbt's files (`env_var('NAME')`) read."""
    found = set[str]()
    for text in texts.values():
        found |= set(re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)", text))
        found |= set(re.findall(r"env_var\(\s*['\"]([A-Za-z_][A-Za-z0-9_]*)['\"]", text))
    return tuple(sorted(found))
