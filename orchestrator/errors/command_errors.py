"""Defines the errors of a command line: it cannot be understood, or asks for something that cannot be done."""

from orchestrator.errors.elt_error import EltError


class UsageError(EltError):
    """The command asks for something that cannot be done here.

    The options are valid, but not in this project, in this target or in this combination.
    """

    code = "E020"
    remedy = "The last lines of the message name the option to change."
    example = """
    Error [E020]: dbt cannot run with 0 threads.
    Set --threads, or `threads` of the target in profiles.yml, to 1 or more."""


class CommandLineError(UsageError):
    """The command line cannot be understood: an unknown command or option, or a value that it does not accept.

    The value of one of dbt's own options is reported in dbt's words.
    """

    code = "E021"
    remedy = "`elt COMMAND --help` lists the options. The message suggests names that are similar."
    example = """
    Usage: elt run [OPTIONS]
    Try 'elt run -h' for help.

    Error [E021]: No such option '--fulrefresh'. Did you mean '--full-refresh'?"""


class ProtectedTargetError(UsageError):
    """The command would delete or replace data in a protected target, and there is no consent to it.

    `--full-refresh`, `--empty`, `--sample` and `elt history prune` need consent there. Nothing was done.
    """

    code = "E022"
    remedy = "Give `--yes`, or answer the question on a terminal. `protected_targets` in elt.yml lists the targets."
    example = """
    Error [E022]: The target prod is protected, and --full-refresh drops tables and builds them from nothing. \
Nothing was done.
    Give --yes to do it anyway. Protected targets are listed in /data/shop/elt.yml (protected_targets)."""


class UnknownNodeError(UsageError):
    """A command names a node that the project or the run does not have, or a name that several nodes have."""

    code = "E023"
    remedy = "Use one of the names in the message, or the node's id: `elt ls --output json` shows it."
    example = """
    Error [E023]: The project has no node called fct_order.
    Did you mean 'fct_orders', 'orders' or 'model.shop.fct_orders'?"""


class RepairError(UsageError):
    """A recorded run cannot be resumed, retried or cancelled.

    For example, it is still running or already finished, the code has changed since, or the target now writes to
    another database or schema.
    """

    code = "E024"
    remedy = "The message names the command that does apply, such as `elt retry` or `elt resume --accept-changes`."
    example = """
    Error [E024]: The code has changed since the run 2b7c: model orders.
    Continue with the current code: elt resume --accept-changes. Or repair the run with it: elt retry."""


class ArtifactsError(UsageError):
    """A folder with artifacts of dbt cannot be used: something is missing in it, damaged, or changes while it is read.

    This concerns `elt adopt` and `--state`. `elt adopt` also accepts the live `target/` of the project; other commands
    write to that folder themselves, and refuse it.
    """

    code = "E025"
    remedy = (
        "Name a folder with all artifacts of one dbt invocation: a copy of `target/` or, for `elt adopt`, "
        "`target` itself."
    )
    example = """
    Error [E025]: /data/prod/run_results.json does not exist.
    Name a folder with the manifest.json and the run_results.json of one `dbt build`. Copy both together."""


class AdoptionError(UsageError):
    """`elt adopt` cannot adopt what plain dbt built in this target.

    The artifacts are of another project, or dbt's settings make it build something else, such as a sample.
    """

    code = "E026"
    remedy = "Name the artifacts of this project, and unset what the message names."
    example = """
    Error [E026]: The artifacts are of the project sales, and this project is shop.
    Name the folder with the artifacts of this project."""


class UnknownScheduleError(UsageError):
    """elt.yml has no such schedule, or the schedule has no such time."""

    code = "E027"
    remedy = "`elt schedule list` lists the schedules, `elt schedule next NAME` the times of one."
    example = """
    Error [E027]: The schedule nightly has no time at 2026-11-28T03:00 (Europe/Berlin).
    The times next to it are 2026-11-28T02:00+01:00 and 2026-11-29T02:00+01:00."""


class InstallError(UsageError):
    """The schedules cannot be installed: the scheduler is missing, not permitted, or does not fit the project."""

    code = "E028"
    remedy = "The message says what is missing. `elt schedule install --dry-run` shows the files without writing them."
    example = """
    Error [E028]: The program crontab is not installed.
    Install it, or let another scheduler start the schedules: elt schedule install --help"""
