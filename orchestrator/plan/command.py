"""Defines what the user asks for, as one value."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from orchestrator.config.settings import OnBusy, Settings
from orchestrator.config.wait_settings import WaitSettings
from orchestrator.nodes.prefix import Placement
from orchestrator.plan.consent import Consents, refuse
from orchestrator.plan.request import Upstream, Verb
from orchestrator.timetable.scheduled_time import ScheduledTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the user asks for: a verb, dbt's options as dbt writes them, a selection, and elt's options."""

    verb: Verb = Verb.BUILD
    dbt_options: tuple[str, ...] = ()
    """dbt's options without the selection, the project folder and the profiles folder, which have their own fields."""
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    has_selector: bool = False
    """Whether `dbt_options` names a selector."""
    project_dir: Path | None = None
    profiles_dir: Path | None = None
    upstream: Upstream = Upstream.AUTO
    ingest: bool = True
    schema_prefix: str = ""
    """The prefix of all schemas that are written. With it, `ingest` also says that the dbt sources that loads feed are
    read from prefixed datasets.
    """
    freshness: bool = True
    tests: bool = True
    allow_empty: bool = False
    skip_unchanged: bool = False
    """Whether nodes that were named are also skipped if their current relation is still up to date."""
    plain: bool = False
    """Whether dbt executes every node, also those whose statements can be generated."""
    shadow_reuse: bool = False
    """Whether everything runs, and what would have been reused is reported and compared."""
    verify_reuse: float | None = None
    """The share of reused steps that is verified; None for the setting in elt.yml."""
    lock_timeout: float | None = None
    """Seconds; None for the setting in elt.yml."""
    on_busy: OnBusy | None = None
    """What to do while another run works in the target; None for the setting in elt.yml."""
    repeats: int | None = None
    """How many further attempts a step has after a transient error; None for the settings."""
    time_limit: timedelta | None = None
    """How long the whole run may take; zero for no limit, None for the setting in elt.yml."""
    grace: timedelta = timedelta()
    """How long running steps may continue after an interruption."""
    watched: bool = False
    """Whether a user watches the run: then loads are attempted again after seconds rather than minutes."""
    consents: Consents = refuse
    """Called before something is emptied or rebuilt in a protected target."""
    wait_for: tuple[WaitSettings, ...] = ()
    """What must be true before the run starts."""
    scheduled: ScheduledTime | None = None
    """The time of a schedule that the run belongs to."""
    words: tuple[str, ...] = ()
    """The words of the command line, if there was one; for the record."""

    @property
    def placement(self) -> Placement:
        """Where the run works; raises UsageError for an impossible prefix."""
        return Placement(prefix=self.schema_prefix, loads=self.ingest or self.verb is Verb.INGEST)


def share_of(command: Command, settings: Settings) -> float:
    """Return the share of reused steps that is verified."""
    return settings.verify_reuse if command.verify_reuse is None else command.verify_reuse
