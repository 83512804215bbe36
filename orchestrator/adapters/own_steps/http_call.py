"""Sends the HTTP request of a step, and asks until what it started has ended. Runs in a child process."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, InvalidURL
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, quote, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from orchestrator.adapters.own_steps.call_result import CallResult
from orchestrator.adapters.url_login import without_login
from orchestrator.wording import shortened

_SECONDS = 60.0
"""How long one request may take; the time limit of the step applies to all of them together."""
_MOST_BYTES = 4_000_000
_MOST_SHOWN = 300  # characters
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_FAILED_POLLS = 10
_LONGEST_PAUSE = 300.0
Headers = Mapping[str, str]


class CallError(Exception):
    """A request did not succeed."""

    def __init__(self, message: str, *, may_pass: bool) -> None:
        super().__init__(message)
        self.may_pass = may_pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """The answer to a request."""

    status: int
    text: str
    after: float = 0.0
    """How many seconds the server asks to wait."""

    def json(self) -> object:
        """Return the answer as JSON; raises CallError."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            raise CallError(f"the answer is not JSON: {_shown(self.text)}", may_pass=False) from None


class _SameHost(HTTPRedirectHandler):
    """Follows redirects within a host only, so that no other host gets the headers or the body."""

    def redirect_request(  # the signature of urllib
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Return the request to send, or raise CallError."""
        if not is_same_host(req.full_url, newurl):
            host = urlsplit(newurl).netloc.rpartition("@")[2]
            raise CallError(f"the server redirects to {host}; write the URL of that host", may_pass=False)
        if code in {307, 308}:  # the same request again
            return Request(newurl, data=req.data, headers=dict(req.header_items()), method=req.get_method())  # noqa: S310
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def call_http(
    asked: Mapping[str, object],
    tell: Callable[[str], None],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> CallResult:
    """Send the request of a step, and poll if it says so; `asked` has the fields of an HttpCall."""
    url, headers = str(asked["url"]), _headers(asked["headers"])
    if not _host(url):
        return CallResult(error=f"the request cannot be sent: the URL {url} names no host")
    poll = asked["poll"]
    try:
        tell(f"{asked['method']} {url}")
        answer = send(str(asked["method"]), url, headers, str(asked["body"]))
        _require_status(answer, asked["statuses"])
        if not isinstance(poll, Mapping):
            return CallResult(message=f"HTTP {answer.status}")
        first = answer.json()
    except CallError as error:
        return CallResult(error=str(error), may_pass=error.may_pass)
    try:
        return _awaited(poll, first, url, headers, tell, pause)
    except CallError as error:
        # Another attempt would start the same work twice.
        return CallResult(error=f"it was started, but its end is not known: {error}")


def send(method: str, url: str, headers: Headers, body: str = "") -> HttpAnswer:
    """Send one request, and return the answer of any status; raises CallError if there is none within the limit."""
    found: list[HttpAnswer | Exception] = []

    def ask() -> None:
        try:
            found.append(_sent(method, url, headers, body))
        except Exception as error:  # noqa: BLE001  # raised below
            found.append(error)

    # The timeout of a socket begins again with every byte. The thread ends with the process.
    thread = threading.Thread(target=ask, name="elt-http-call", daemon=True)
    thread.start()
    thread.join(_SECONDS)
    match found:
        case [HttpAnswer() as answer]:
            return answer
        case [Exception() as error]:
            raise error
    raise CallError(f"{_host(url)} did not answer within {_SECONDS:g} s", may_pass=True)


def _sent(method: str, url: str, headers: Headers, body: str) -> HttpAnswer:
    named = {"Accept": "application/json", "User-Agent": "elt", **headers}
    url, login = without_login(url)
    if not any(name.lower() == "authorization" for name in named):
        named |= login
    data = body.encode() if body else None
    if data is not None and not any(name.lower() == "content-type" for name in named):
        named["Content-Type"] = "application/json"
    try:
        request = Request(url, data=data, headers=named, method=method)  # noqa: S310  # checked when elt.yml was read
        with build_opener(_SameHost).open(request, timeout=_SECONDS) as response:
            return HttpAnswer(status=response.status, text=_text(response.read(_MOST_BYTES)))
    except HTTPError as error:
        with error:
            after = _seconds(error.headers.get("Retry-After"))
            return HttpAnswer(status=error.code, text=_text(error.read(_MOST_BYTES)), after=after)
    except URLError as error:
        name = type(error.reason).__name__
        is_certificate = "Certificate" in name
        raise CallError(f"{_host(url)} cannot be reached: {error.reason}", may_pass=not is_certificate) from None
    except (InvalidURL, ValueError) as error:
        raise CallError(f"the request cannot be sent: {error}", may_pass=False) from None
    except (OSError, HTTPException) as error:
        raise CallError(f"{_host(url)} did not answer: {str(error) or type(error).__name__}", may_pass=True) from None


def is_same_host(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port."""
    return _origin(urlsplit(one)) == _origin(urlsplit(other))


def value_at(document: object, path: str) -> object:
    """Return the value at a path such as `job.status` or `jobs.0.id`; raises CallError if there is none."""
    value = document
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            there = f"it has {', '.join(sorted(map(str, value))[:10])}" if isinstance(value, Mapping) else "no keys"
            raise CallError(f"the answer has no {path}: at {step}, {there}", may_pass=False)
    return value


def _awaited(
    poll: Mapping[str, object],
    first: object,
    started_at: str,
    headers: Headers,
    tell: Callable[[str], None],
    pause: Callable[[float], None],
) -> CallResult:
    """Ask until a word of success or failure is reached. A few requests in a row may fail without an answer."""
    url = urljoin(started_at, filled_url(str(poll["url"]), first))
    own = _headers(poll["headers"])
    sent = {**(headers if is_same_host(started_at, url) else {}), **own}
    success, failure = _words(poll["success"]), _words(poll["failure"])
    field, every = str(poll["status_field"]), float(str(poll["every_seconds"]))
    failed, last = 0, ""
    tell(f"GET {url}, every {every:g} s")
    while True:
        asked_to_wait = 0.0
        try:
            answer = send("GET", url, sent)
            asked_to_wait = answer.after
            _require_status(answer, ())
            failed = 0
            word = _word(value_at(answer.json(), field))
        except CallError as error:
            failed += 1
            if not error.may_pass or failed >= _MOST_FAILED_POLLS:
                raise
            tell(str(error))
        else:
            if word != last:
                tell(f"{field}: {word}")
            last = word
            if word in success:
                return CallResult(message=f"{field}: {word}")
            if word in failure:
                return CallResult(error=f"{field} is {word}: {_shown(answer.text)}")
        pause(max(every, min(asked_to_wait, _LONGEST_PAUSE)))


def filled_url(url: str, first: object) -> str:
    """Return a URL with `{response.job.id}` replaced by values of the first answer; raises CallError."""
    found, rest = "", url
    while "{response." in rest:
        before, _, after = rest.partition("{response.")
        path, brace, rest = after.partition("}")
        if not brace:
            raise CallError("'{response.' in the URL of the poll is not closed", may_pass=False)
        found += before + quote(_word(value_at(first, path)), safe="")
    return found + rest


def _require_status(answer: HttpAnswer, statuses: object) -> None:
    wanted = [int(one) for one in statuses] if isinstance(statuses, list | tuple) else []
    if answer.status in wanted or (not wanted and 200 <= answer.status < 300):
        return
    expected = f", not {' or '.join(map(str, wanted))}" if wanted else ""
    told = f": {_shown(answer.text)}" if answer.text.strip() else ""
    raise CallError(f"the server answered HTTP {answer.status}{expected}{told}", may_pass=answer.status in _PASSING)


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _words(values: object) -> frozenset[str]:
    return frozenset(map(str, values)) if isinstance(values, list | tuple) else frozenset()


def _headers(pairs: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in pairs} if isinstance(pairs, list | tuple) else {}


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    usual = {"http": 80, "https": 443}.get(url.scheme)
    return (url.scheme, url.hostname, url.port or usual)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _text(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")


def _shown(text: str) -> str:
    return shortened(" ".join(text.split()), _MOST_SHOWN)


def _seconds(after: str | None) -> float:
    return float(after) if after is not None and after.strip().isdecimal() else 0.0
