"""Decides what needs the user's consent in a protected target."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from orchestrator.config.settings import Settings
from orchestrator.errors import ProtectedTargetError
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.wording import did_you_mean, similar

Consents = Callable[[str], bool]
"""Returns whether the user consents to the action in the text."""

_DANGERS = {
    "full_refresh": "--full-refresh drops tables and builds them from nothing",
    "empty": "--empty leaves tables without rows",
    "sample": "--sample leaves tables with a part of their rows",
}
"""What dbt's flags do to existing tables."""


def refuse(_what: str) -> bool:
    """Return False: without a user to ask, there is no consent."""
    return False


def require_consent_to_flags(settings: Settings, target: str, flags: DbtFlags, consents: Consents) -> None:
    """Raise UsageError unless the user consents to what dbt's flags do in a protected target."""
    dangers = [_DANGERS[flag] for flag in flags.given(*_DANGERS)]
    if dangers:
        require_consent(settings, {target}, "; ".join(dangers), consents)


def unknown_targets(settings: Settings, known: Collection[str]) -> Iterator[str]:
    """Yield a note for each target that elt.yml names and the profile does not have: it may be misspelt.

    It is no error, because the profile of another machine may have it.
    """
    for key, names in (("protected_targets", settings.protected_targets), ("publish_copy", settings.publish_copy)):
        for name in sorted(set(names) - set(known)) if known else ():  # the targets of the profile may not be known
            meant = did_you_mean(similar(name, known))
            told = f"{key} in {settings.elt_yml} names {name}, and the profile has only {', '.join(known)}"
            yield f"{told}. {meant}" if meant else told


def require_consent(settings: Settings, targets: set[str], danger: str, consents: Consents) -> None:
    """Raise UsageError if one of the targets is protected and the user does not consent to the danger."""
    protected = sorted(targets & set(settings.protected_targets))
    if not protected:
        return
    named = f"The target {protected[0]} is" if len(protected) == 1 else f"The targets {', '.join(protected)} are"
    question = f"{named} protected, and {danger}."
    if not consents(question):
        where: Path | str = settings.elt_yml or "elt.yml"
        raise ProtectedTargetError(
            f"{question} Nothing was done.",
            hint=f"Give --yes to do it anyway. Protected targets are listed in {where} (protected_targets).",
        )
