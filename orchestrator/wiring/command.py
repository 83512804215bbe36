"""What the user asks for, as one value."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from orchestrator.config.settings import OnBusy
from orchestrator.plan.request import Upstream, Verb
from orchestrator.wiring.consent import Consents, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the user asks for: a verb, dbt's options as dbt writes them, a selection, and ours."""

    verb: Verb = Verb.BUILD
    dbt_options: tuple[str, ...] = ()
    """Without the selection, the project's folder and the profiles' folder, which stand below."""
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    has_selector: bool = False
    """Whether `dbt_options` names a selector."""
    project_dir: Path | None = None
    profiles_dir: Path | None = None
    upstream: Upstream = Upstream.AUTO
    ingest: bool = True
    freshness: bool = True
    tests: bool = True
    allow_empty: bool = False
    skip_unchanged: bool = False
    """Whether also what was named need not run when what stands is its result still."""
    shadow_reuse: bool = False
    """Whether everything runs, and what would have been reused is reported and compared."""
    verify_reuse: float | None = None
    """Which share of what is reused is verified; None for the setting of elt.yml."""
    lock_timeout: float | None = None
    """Seconds; None for the setting of elt.yml."""
    on_busy: OnBusy | None = None
    """What to do while another run works in the target; None for the setting of elt.yml."""
    repeats: int | None = None
    """How many further tries a step has after an error that may pass; None for what is set."""
    time_limit: timedelta | None = None
    """How long the whole run may take; None for the setting of elt.yml."""
    grace: timedelta = timedelta()
    """How long an interrupted run lets what runs go on."""
    watched: bool = False
    """Whether somebody watches the run: then loads are tried again after seconds rather than minutes."""
    consents: Consents = refuse
    """Asked before something is emptied or rebuilt on a protected target."""
    words: tuple[str, ...] = ()
    """What was typed, when something was: for the record."""
