"""Sends notifications through Apprise, each within a time limit."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from orchestrator.adapters.apprise.apprise_services import incident_argument, require_apprise, unknown_scheme
from orchestrator.errors import EltError, NotificationError
from orchestrator.masking import Masker, is_secret_name
from orchestrator.notifications.notification_ledger import Notification

TIME_LIMIT = timedelta(seconds=30)
_CONNECT, _READ = 8.0, 20.0  # seconds
_SHORTEST_TOKEN = 8
_KEEPS_IDS = "alias"  # Opsgenie and Jira close an alert by the id that they returned, which Apprise keeps in files


class AppriseSender:
    """Sends notifications to destinations, whose URLs it asks for when it needs them, and never shows."""

    def __init__(
        self, url_of: Callable[[str], str], masker: Masker, folder: Path, time_limit: timedelta = TIME_LIMIT
    ) -> None:
        """Set the function that returns the URL of a destination, and the folder for ids that services return."""
        self._url_of = url_of
        self._masker = masker
        self._folder = folder
        self._time_limit = time_limit

    def send(self, notification: Notification, *, title: str, body: str, level: str) -> None:
        """Send one notification; raises NotificationError if that does not succeed within the time limit."""
        require_apprise()
        try:
            url = self._url_of(notification.destination)
        except ValueError as error:
            raise NotificationError(str(error), hint="Set it where `elt notify send` runs.") from None
        self._masker.learn(secrets_in(url))
        ended: list[EltError | None] = []
        work = threading.Thread(
            target=lambda: ended.append(self._try(url, notification, title, body, level)), name="notifier", daemon=True
        )
        work.start()
        work.join(self._time_limit.total_seconds())
        if not ended:
            raise NotificationError(
                f"The service did not answer within {self._time_limit.total_seconds():.0f} s.", hint=_HINT
            )
        if ended[0] is not None:
            raise ended[0]

    def _try(self, url: str, notification: Notification, title: str, body: str, level: str) -> EltError | None:
        """Return why a notification could not be sent; None if it was."""
        try:
            with _heard() as lines:
                service = self._service(url, notification.incident)
                # As plain text: Apprise escapes it for services that take HTML or Markdown.
                words = {"title": self._masker.text(title), "body": self._masker.text(body), "body_format": "text"}
                is_sent = bool(service.notify(**words, notify_type=_type(level)))
        except Exception as error:  # noqa: BLE001  # a plugin of Apprise may raise anything
            lines, is_sent = [f"{type(error).__name__}: {error}"], False
        if is_sent:
            return None
        said = lines[-1] if lines else "the service did not accept it"
        return NotificationError(self._masker.text(said.strip().rstrip(".")) + ".", hint=_HINT)

    def _service(self, url: str, incident: str) -> Any:  # noqa: ANN401  # an object of Apprise
        apprise: Any = import_module("apprise")
        scheme = url.partition("://")[0].lower()
        if (problem := unknown_scheme(scheme)) is not None and not scheme.startswith("http"):
            raise ValueError(problem)
        asset: dict[str, Any] = {"app_id": "elt", "app_desc": "elt", "async_mode": False}
        argument = incident_argument(scheme)
        if argument == _KEEPS_IDS:
            asset |= {"storage_path": str(self._folder), "storage_mode": "flush"}
        made = apprise.AppriseAsset(**asset)
        parsed = apprise.plugins.url_to_dict(url)
        if parsed is None:
            raise ValueError(f"Apprise does not accept the rest of the URL after {scheme}://")
        # Apprise's own 4 s are short: a slow service would get the same message again and again.
        # A message that is too long for a service is divided, or cut for an incident: otherwise it would be refused.
        overflow = "truncate" if incident else "split"
        parsed = {"cto": _CONNECT, "rto": _READ, "overflow": overflow} | parsed
        if incident and argument is not None:
            parsed |= {argument: incident, "action": parsed.get("action") or "map"}
        service = apprise.Apprise(asset=made)
        service.add(apprise.Apprise.instantiate(parsed, asset=made, suppress_exceptions=False))
        return service


_HINT = "`elt notify status` shows what is retried."


def secrets_in(url: str) -> Iterator[str]:
    """Yield the parts of a URL that may be secret: all but its scheme and the name of its server."""
    yield url
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return
    words = [password or "", *(unquote(one) for one in parts.path.split("/"))]
    if "." not in (parts.hostname or "."):
        words.append(parts.netloc.rpartition("@")[2])
    if not password:
        words.append(unquote(parts.username or ""))
    words += [value for name, value in parse_qsl(parts.query) if is_secret_name(name) or any(map(str.isdigit, value))]
    yield from (word for word in words if len(word) >= _SHORTEST_TOKEN and word != "localhost")
    if password:
        yield password


def _type(level: str) -> Any:  # noqa: ANN401  # an enumeration of Apprise
    from apprise import NotifyType

    return NotifyType(level)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what Apprise logs as a warning or an error, and keep it from the terminal."""
    lines: list[str] = []

    class _Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, handler = logging.getLogger("apprise"), _Collector(level=logging.WARNING)
    propagates, level, logger.propagate = logger.propagate, logger.level, False
    logger.setLevel(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates
        logger.setLevel(level)
