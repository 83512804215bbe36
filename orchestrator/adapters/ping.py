"""Calls the URL of a dead-man's switch, such as healthchecks.io: it raises the alarm when it is not called."""

import http.client
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit, urlunsplit

from orchestrator.adapters.url_login import without_login
from orchestrator.errors import NotificationError

_TIME_LIMIT = 10  # seconds
_START = "start"


def ping(url: str, signal: str, rid: str, body: str) -> None:
    """Call the URL for a `start`, or for an exit code; raises NotificationError without the URL in its message."""
    if not url.startswith(("https://", "http://")):
        raise NotificationError("The URL of the ping does not begin with https:// or http://.", hint=_HINT)
    address, login = without_login(signal_url(url, signal, rid))
    headers = {"User-Agent": "elt", **login}
    request = urllib.request.Request(address, data=body.encode(), headers=headers, method="POST")  # noqa: S310  # checked above
    try:
        with urllib.request.urlopen(request, timeout=_TIME_LIMIT) as answer:  # noqa: S310  # checked above
            answer.read(1)
    except urllib.error.HTTPError as error:
        raise NotificationError(f"The server answered {error.code}.", hint=_HINT) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NotificationError(f"The server cannot be reached: {type(reason).__name__}.", hint=_HINT) from None


def signal_url(url: str, signal: str, rid: str) -> str:
    """Return the URL for a signal: the URL itself for success, `/start`, or `/` and the exit code."""
    parts = urlsplit(url)
    path = parts.path if signal == "0" else f"{parts.path.rstrip('/')}/{quote(signal)}"
    query = "&".join(filter(None, (parts.query, f"rid={rid}")))
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


_HINT = "Check the URL of `ping` in the environment."
