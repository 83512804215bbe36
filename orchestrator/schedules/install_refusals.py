"""Refuses a scheduler that cannot run the schedules of a project, and says what a hosted one needs besides."""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.settings import Settings
from orchestrator.errors import InstallError
from orchestrator.schedules.gathered_facts import is_found_elsewhere, place_of, profiles_file
from orchestrator.scheduling.hosted_schedulers import SECRET
from orchestrator.scheduling.install_facts import HOSTED, WRITTEN, ExternalScheduler, InstallFacts
from orchestrator.scheduling.local_schedulers import LONGEST_COMMAND, cron_command, other_shell, unsafe_character


def refuse(settings: Settings, scheduler: ExternalScheduler, facts: InstallFacts) -> None:
    """Raise InstallError if the scheduler cannot run the schedules."""
    if not facts.schedules:
        raise InstallError("elt.yml has no schedules.", hint="Add one: see docs/scheduling.md.")
    if scheduler in HOSTED:
        _refuse_hosted(settings, scheduler, facts)
        return
    for path in (facts.project_root, Path(facts.python)):
        if (character := unsafe_character(path)) is not None:
            raise InstallError(
                f"{scheduler} cannot start {str(path)!r}: no line for it can contain {character!r}.",
                hint="Rename the folder.",
            )
    if scheduler is ExternalScheduler.CRON and len(cron_command(facts).replace("%", "\\%")) > LONGEST_COMMAND:
        raise InstallError(
            f"The line for the crontab would be longer than the {LONGEST_COMMAND} characters that cron reads.",
            hint="Name fewer schedules (without names, all are started), or use --as systemd.",
        )


def _refuse_hosted(settings: Settings, scheduler: ExternalScheduler, facts: InstallFacts) -> None:
    if "://" not in settings.store:
        raise InstallError(
            f"{scheduler} runs each start in a new container, in which the record {settings.store} would be empty:"
            " every time would run again, and nothing could be resumed.",
            hint="Set `store` in elt.yml to a PostgreSQL database: postgresql://user:password@host/database,"
            " with ${NAME} in place of the password.",
        )
    untimed = [one.name for one in facts.schedules if not one.cron]
    if untimed:
        raise InstallError(
            f"{scheduler} can start only what has a time: {', '.join(untimed)} has none.",
            hint="Name the schedules with `cron`; what starts `on` something else runs in `elt schedule start`.",
        )
    if scheduler is ExternalScheduler.KUBERNETES and not facts.image:
        raise InstallError("A CronJob needs a container image.", hint="Name it: --image registry/project:tag")
    for schedule in facts.schedules:
        _refuse_profiles(settings, scheduler, schedule)
        _refuse_warehouse(settings, scheduler, facts, schedule)


def _refuse_profiles(settings: Settings, scheduler: ExternalScheduler, schedule: ScheduleSettings) -> None:
    """Refuse a profiles.yml that the jobs do not find; an image of Kubernetes may have one of its own."""
    file = profiles_file(settings, schedule)
    if file is None or scheduler is ExternalScheduler.KUBERNETES or is_found_elsewhere(settings, schedule, file):
        return
    raise InstallError(
        f"The jobs of {scheduler} would not find the profiles.yml that schedule {schedule.name} reads here: {file}.",
        hint=f"Put a profiles.yml into {settings.dbt_project_dir}, with `env_var('NAME')` in place of secrets.",
    )


def _refuse_warehouse(
    settings: Settings, scheduler: ExternalScheduler, facts: InstallFacts, schedule: ScheduleSettings
) -> None:
    place = place_of(settings, schedule)
    if place is None or place.is_kept_in(facts.volume.folder if facts.volume else None):
        return
    where = f"{scheduler} runs each start in a new container"
    if facts.volume is not None:
        where += f", of which only {facts.volume.folder} is kept"
    volume = "--volume CLAIM:/data" if scheduler is ExternalScheduler.KUBERNETES else "--volume /data"
    environment = ""
    if place.from_environment:
        environment = "\nIf an environment variable is another path in the job, set it to that path for this command."
    raise InstallError(
        f"{where}: the tables of schedule {schedule.name} would be lost after each run. Its target {place.target} is"
        f" the DuckDB file {place.file}.",
        hint="Choose a target on a server with `options: {target: …}` of the schedule: PostgreSQL, or MotherDuck"
        " (path: md:database).\n"
        f"If a volume of {_whose(scheduler)} keeps the file, use its absolute path in profiles.yml, and name its"
        f" folder: {volume}{environment}",
    )


def _whose(scheduler: ExternalScheduler) -> str:
    return "the cluster" if scheduler is ExternalScheduler.KUBERNETES else "your own runner"


def require_own_file(path: Path, existing: str | None) -> None:
    """Raise InstallError if a file exists that elt did not write."""
    if existing is not None and not existing.startswith(WRITTEN):
        raise InstallError(
            f"{path} exists, and `elt schedule install` did not write it.", hint="Rename it, and install again."
        )


def require_shell(crontab: str) -> None:
    """Raise InstallError if a crontab runs its lines with a shell that does not understand them."""
    if (shell := other_shell(crontab)) is not None:
        raise InstallError(
            f"Your crontab sets SHELL={shell}, which cannot run what elt would add: that is for /bin/sh.",
            hint="Add a line SHELL=/bin/sh at its end (crontab -e), or use --as systemd.",
        )


def hosted_notes(settings: Settings, scheduler: ExternalScheduler, facts: InstallFacts) -> Iterator[str]:
    """Yield what a hosted scheduler needs besides its files."""
    yield {
        ExternalScheduler.GITHUB: "Commit the workflows to the default branch: GitHub runs no others at their times.",
        ExternalScheduler.GITLAB: "Commit the file to the branch that the pipeline schedules name.",
        ExternalScheduler.KUBERNETES: "Apply the files: kubectl apply -f kubernetes/",
    }[scheduler]
    if scheduler is ExternalScheduler.KUBERNETES:
        yield f"The image {facts.image} needs {facts.packages.description}."
    else:
        yield f"The jobs install {facts.packages.description}."
    where = {
        ExternalScheduler.GITHUB: "Add these secrets of the repository",
        ExternalScheduler.GITLAB: "Add these CI/CD variables",
        ExternalScheduler.KUBERNETES: f"Create the secret {SECRET} with these keys",
    }[scheduler]
    if facts.variables.required:
        yield f"{where}: {', '.join(facts.variables.required)}"
    if facts.variables.with_default:
        yield f"These have a default, and may be set: {', '.join(facts.variables.with_default)}"
    for schedule in facts.schedules:
        place, file = place_of(settings, schedule), profiles_file(settings, schedule)
        if place is not None and place.unknown:
            yield (
                f"It is not known where the target {place.target} of schedule {schedule.name} is: {place.unknown}."
                " A DuckDB file in the container would be lost after each run."
            )
        elif place is None and file is not None:
            yield f"The target of schedule {schedule.name} cannot be read from {file}: it must be on a server."
        if file is None or not is_found_elsewhere(settings, schedule, file):
            yield f"{settings.dbt_project_dir} has no profiles.yml: the jobs need one for schedule {schedule.name}."
    yield "Then start each job once by hand: it records the schedule, which runs at the times that come after."
