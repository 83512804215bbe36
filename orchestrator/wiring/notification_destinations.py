"""Looks up the URLs of destinations, and builds what sends notifications to them."""

import os
from collections.abc import Mapping
from contextlib import suppress

from orchestrator.adapters.apprise.apprise_sender import AppriseSender, secrets_in
from orchestrator.adapters.apprise.apprise_services import incident_argument, require_apprise, unknown_scheme
from orchestrator.adapters.ping import ping
from orchestrator.config.mistakes import Mistakes
from orchestrator.config.settings import Settings
from orchestrator.errors import MissingExtraError, NotificationError
from orchestrator.masking import Masker
from orchestrator.notifications.notification_ports import NotifyingStore
from orchestrator.notifications.notification_rules import NotificationPolicy, policy_of
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.notification_sending import Post


def open_post(settings: Settings, store: NotifyingStore) -> Post:
    """Return what sends the notifications of a project; nothing is looked up until something is sent."""
    environ = os.environ

    def url_of(destination: str) -> str:
        return destination_url(settings, destination, environ)

    def call(schedule: str, signal: str, rid: str, body: str) -> None:
        found = settings.schedules.get(schedule)
        if found is None or found.ping is None:
            raise NotificationError(f"The schedule {schedule} has no ping any more.", hint="Nothing is to be done.")
        try:
            url = found.ping.filled(environ)
        except ValueError as error:
            raise NotificationError(str(error), hint="Set it where the schedule runs.") from None
        ping(url, signal, rid, body)

    masker, policy = open_masker(settings, environ), open_policy(settings, environ)
    sender = AppriseSender(url_of, masker, log_dir(settings).parent / "notify")
    return Post(settings=settings, store=store, policy=policy, sender=sender, ping=call, masker=masker)


def open_masker(settings: Settings, environ: Mapping[str, str]) -> Masker:
    """Return a masker that knows the secrets of the environment, and those of all destinations."""
    masker = Masker(environ)
    for name in settings.notifications.destinations:
        with suppress(ValueError):
            masker.learn(secrets_in(destination_url(settings, name, environ)))
    return masker


def open_policy(settings: Settings, environ: Mapping[str, str]) -> NotificationPolicy:
    """Return the rules of a project; which destinations are incident services depends on their URLs."""
    try:
        require_apprise()
    except MissingExtraError:
        return policy_of(settings)
    incidents = {name for name in settings.notifications.destinations if _keeps_incidents(settings, name, environ)}
    return policy_of(settings, frozenset(incidents))


def _keeps_incidents(settings: Settings, name: str, environ: Mapping[str, str]) -> bool:
    try:
        scheme = destination_url(settings, name, environ).partition("://")[0]
    except ValueError:
        return False
    return incident_argument(scheme.lower()) is not None


def destination_url(settings: Settings, name: str, environ: Mapping[str, str]) -> str:
    """Return the URL of a destination; raises ValueError without the URL if it is not known."""
    found = settings.notifications.destinations.get(name)
    if found is None:
        raise ValueError(f"elt.yml has no destination '{name}'")
    if found.url is not None:
        return found.url.filled(environ).strip()
    file = settings.project_root / (found.file or "")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise ValueError(f"the file {file} cannot be read: {reason}") from None


def require_known_schemes(settings: Settings) -> None:
    """Raise ConfigurationError for each URL in elt.yml whose scheme Apprise does not know."""
    require_apprise()
    mistakes = Mistakes()
    for name, destination in settings.notifications.destinations.items():
        scheme = destination.url.scheme if destination.url is not None else ""
        if settings.elt_yml is not None and scheme and (problem := unknown_scheme(scheme)) is not None:
            mistakes.in_file(settings.elt_yml, destination.line, f"'notifications.destinations.{name}.url': {problem}")
    mistakes.raise_if_any()
