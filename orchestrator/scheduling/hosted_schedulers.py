"""Writes the files that let a hosted scheduler start the schedules of a project: pure functions from facts to text."""

import json
import shlex
from collections.abc import Iterator

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.scheduling.install_facts import GRACE, ExternalScheduler, InstallFacts, Volume
from orchestrator.scheduling.utc_entries import utc_entries

_MINUTES = 360
SECRET = "elt"  # noqa: S105  # the name of an object of Kubernetes
"""The secret of Kubernetes whose keys are environment variables of the jobs."""


def hosted_files(scheduler: ExternalScheduler, facts: InstallFacts) -> dict[str, str]:
    """Return the files of a scheduler by their paths in the repository."""
    match scheduler:
        case ExternalScheduler.GITHUB:
            return {
                f".github/workflows/elt-{facts.label(one.name)}.yml": _workflow(facts, one) for one in facts.schedules
            }
        case ExternalScheduler.GITLAB:
            jobs = "".join(_gitlab_job(facts, one) for one in facts.schedules)
            return {gitlab_file(facts): f"{facts.marks}{jobs}"}
        case _:
            return {f"kubernetes/elt-{facts.label(one.name)}.yaml": _cron_jobs(facts, one) for one in facts.schedules}


def gitlab_file(facts: InstallFacts) -> str:
    """Return the path of the file that .gitlab-ci.yml includes."""
    return f".gitlab/elt-{facts.label('schedules')}.yml"


def _workflow(facts: InstallFacts, schedule: ScheduleSettings) -> str:
    entries = "".join(f"\n    - cron: {json.dumps(entry)}" for entry in _utc(facts, schedule))
    folder = f"\n        working-directory: {json.dumps(facts.folder_in_repository)}{_github_env(facts)}"
    installs = "".join(f"\n      - run: {json.dumps(command)}" for command in facts.packages.commands)
    deps = f"\n      - run: elt deps{folder}" if facts.has_dbt_packages else ""
    # A volume can only be one of a runner of one's own.
    runner = "self-hosted" if facts.volume else "ubuntu-latest"
    return f"""{facts.marks}# The entries are in UTC, for each offset of {schedule.timezone}.
# elt decides from its record what is due.
name: {json.dumps(f"elt {_title(facts, schedule)}")}
on:
  schedule:{entries}
  workflow_dispatch:
concurrency:
  group: {json.dumps(f"elt-{facts.label(schedule.name)}")}
  cancel-in-progress: false
permissions:
  contents: read
jobs:
  run:
    runs-on: {runner}
    timeout-minutes: {_MINUTES}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: {json.dumps(facts.python_version)}
      # Packages: {facts.packages.description}{installs}{deps}
      - run: {json.dumps(_due(schedule))}{folder}
"""


def _github_env(facts: InstallFacts) -> str:
    """Return the environment of a step.

    A secret that does not exist is an empty variable, which would replace the default: such lines are comments.
    """
    required = [f"\n          {name}: ${{{{ secrets.{name} }}}}" for name in facts.variables.required]
    others = [f"\n          # {name}: ${{{{ secrets.{name} }}}}" for name in facts.variables.with_default]
    return "".join(["\n        env:", *required, *others]) if required else "".join(others)


def _gitlab_job(facts: InstallFacts, schedule: ScheduleSettings) -> str:
    rule = f'$CI_PIPELINE_SOURCE == "schedule" && $ELT_SCHEDULE == "{_title(facts, schedule)}"'
    folder = [] if facts.folder_in_repository == "." else [f"cd {shlex.quote(facts.folder_in_repository)}"]
    deps = ["elt deps"] if facts.has_dbt_packages else []
    commands = [*facts.packages.commands, *folder, *deps, _due(schedule)]
    script = "".join(f"\n    - {json.dumps(command)}" for command in commands)
    volume = f"\n  # The runner mounts {facts.volume.folder}: `volumes` in its config.toml." if facts.volume else ""
    return f"""
{json.dumps(f"elt {_title(facts, schedule)}")}:
  image: python:{facts.python_version}{volume}
  rules:
    - if: {json.dumps(rule)}
  resource_group: {json.dumps(f"elt-{facts.label(schedule.name)}")}
  retry: 0
  timeout: {_MINUTES} minutes
  # Packages: {facts.packages.description}
  script:{script}
"""


def gitlab_schedules(facts: InstallFacts) -> Iterator[str]:
    """Yield what to enter as pipeline schedules, which GitLab keeps outside of the repository."""
    for one in facts.schedules:
        for entry in _utc(facts, one):
            yield f"{entry} (UTC), with the variable ELT_SCHEDULE={_title(facts, one)}"


def _cron_jobs(facts: InstallFacts, schedule: ScheduleSettings) -> str:
    entries = _utc(facts, schedule)
    label = facts.label(schedule.name)
    names = [f"elt-{label}" + (f"-{number}" if number else "") for number in range(len(entries))]
    jobs = [_cron_job(facts, schedule, name, entry) for name, entry in zip(names, entries, strict=True)]
    image = f"""# The image has:
#   - the repository in its working folder (WORKDIR), writable for its user
#   - Python {facts.python_version} with {facts.packages.description}
"""
    deps = "#   - dbt's packages: RUN elt deps\n" if facts.has_dbt_packages else ""
    secret = f"# The keys of the secret {SECRET} are environment variables."
    if facts.variables.required:
        secret += f" It must have: {', '.join(facts.variables.required)}."
    if facts.variables.with_default:
        secret += f" It may have: {', '.join(facts.variables.with_default)}."
    pull = "# For a private registry, add `imagePullSecrets` to the service account of the namespace.\n"
    return f"{facts.marks}{image}{deps}{secret}\n{pull}" + "---\n".join(jobs)


def _cron_job(facts: InstallFacts, schedule: ScheduleSettings, name: str, entry: str) -> str:
    is_optional = "" if facts.variables.required else ", optional: true"
    folder = [] if facts.folder_in_repository == "." else ["--project-dir", facts.folder_in_repository]
    volumes, mounts = _volume(facts.volume)
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
          terminationGracePeriodSeconds: {GRACE}
          containers:
            - name: elt
              image: {json.dumps(facts.image)}
              command: {json.dumps([*_due_words(schedule), *folder])}
              envFrom:
                - secretRef: {{name: {SECRET}{is_optional}}}{mounts}{volumes}
"""


def _volume(volume: Volume | None) -> tuple[str, str]:
    if volume is None:
        return "", ""
    mounts = f"""
              volumeMounts:
                - name: warehouse
                  mountPath: {json.dumps(str(volume.folder))}"""
    volumes = f"""
          volumes:
            - name: warehouse
              persistentVolumeClaim: {{claimName: {json.dumps(volume.claim)}}}"""
    return volumes, mounts


def _utc(facts: InstallFacts, schedule: ScheduleSettings) -> tuple[str, ...]:
    return utc_entries(schedule.cron, schedule.timezone, schedule.name, year=facts.year)


def _title(facts: InstallFacts, schedule: ScheduleSettings) -> str:
    """Return the name of a schedule, unique in the repository."""
    folder = facts.folder_in_repository
    return schedule.name if folder == "." else f"{folder}/{schedule.name}"


def _due_words(schedule: ScheduleSettings) -> list[str]:
    return ["elt", "schedule", "run", "--due", schedule.name]


def _due(schedule: ScheduleSettings) -> str:
    return shlex.join(_due_words(schedule))
