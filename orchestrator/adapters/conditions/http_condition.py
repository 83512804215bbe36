"""Answers whether a URL answers as expected."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.parse import urlsplit

from orchestrator.adapters.url_login import without_login
from orchestrator.conditions.answer import Answer, impossible, is_true_value, not_yet, true, unknown
from orchestrator.conditions.condition import HttpCondition
from orchestrator.wording import shortened

_SECONDS = 20
_MOST = 16 * 2**20  # bytes
_SHOWN = 100  # characters of a value
_MISSING = object()
_SUCCESS = range(200, 300)


def ask_http(condition: HttpCondition) -> Answer:
    """Return whether a URL answers with the status, and with the value in its JSON."""
    if not condition.url.startswith(("http://", "https://")):
        return impossible("the URL does not begin with http:// or https://", "Correct the URL of the condition.")
    try:
        url, login = without_login(condition.url)
        headers = {"User-Agent": "elt", **login, **condition.headers}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  # checked above
        status, body = _answer_of(request)
    except (ValueError, UnicodeError) as error:  # such as a port that is no number, or a line break in a header
        return impossible(f"the request is not valid: {error}", "Correct the URL and the headers of the condition.")
    except (OSError, HTTPException) as error:
        return unknown(f"it cannot be reached: {getattr(error, 'reason', None) or str(error) or type(error).__name__}")
    expected = (condition.status,) if condition.status is not None else _SUCCESS
    if status not in expected:
        return not_yet(f"it answered {status}")
    return true(f"it answered {status}") if condition.json_field is None else _field_answer(condition, body)


def _answer_of(request: urllib.request.Request) -> tuple[int, bytes]:
    opener = urllib.request.build_opener(_Redirects(request))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            return answer.status, answer.read(_MOST)
    except urllib.error.HTTPError as error:  # an answer as well, with a status of 400 or more
        with error:
            return error.code, error.read(_MOST)


def _field_answer(condition: HttpCondition, body: bytes) -> Answer:
    path = condition.json_field or ""
    try:
        value = _value_at(json.loads(body), path)
    except (ValueError, RecursionError):
        return not_yet("the answer is not JSON")
    if value is _MISSING:
        return not_yet(f"the answer has no field {path}")
    shown = value if isinstance(value, str) else json.dumps(value)
    is_true = is_true_value(value) if condition.equals is None else shown == condition.equals
    words = f"{path} is {shortened(shown, _SHOWN)}"
    return true(words) if is_true else not_yet(words)


def _value_at(document: object, path: str) -> object:
    """Return the value at a path with dots; the parts are keys, and the positions in lists."""
    for part in path.split("."):
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return _MISSING
    return document


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects; the headers of the condition may have secrets, and are not sent to another host."""

    def __init__(self, first: urllib.request.Request) -> None:
        self._origin = _origin(first.full_url)

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to the new URL."""
        after = super().redirect_request(req, fp, code, msg, headers, newurl)
        if after is not None and _origin(newurl) != self._origin:
            after.headers = {"User-agent": "elt"}
        return after


def _origin(url: str) -> tuple[Any, ...]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
