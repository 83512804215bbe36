"""Hides secrets in whatever leaves the process: in messages, logs, the record and the output of children."""

import json
import re
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from orchestrator.errors import EltError

MASK = "*****"
_SECRET_NAME = re.compile(
    r"passw|passphrase|_pwd$|secret|token|api_?key|access_?key|private_?key|credential|(^|_)auth$|signature",
    re.IGNORECASE,
)
_SHORTEST = 3  # characters; a shorter value says nothing, and would be found in every line
_LONG = 8  # characters; a shorter value is hidden where it stands alone, not inside of a word
PLAIN = frozenset(
    {
        *("true", "false", "none", "null", "yes", "no", "default", "disabled", "password", "secret", "token"),
        *("duckdb", "postgres", "postgresql"),
    }
)
"""Values under secret names that are no secrets: switches, words for the thing, and names that stand in every text."""
_USERINFO = re.compile(r"(?P<scheme>\b[A-Za-z][\w+.-]*://)(?!user:password@)[^/\s@'\"]+@")
"""What stands before the host of a URL, except in an example of ours."""
_QUERY = re.compile(r"(?P<place>\b[A-Za-z][\w+.-]*:(?://)?[^\s?'\"]*\?)(?P<query>[\w.%~-]+=[^\s'\")]*)")
_WEB = re.compile(r"^[A-Za-z][\w+.-]*://")


def is_secret_name(name: str) -> bool:
    """Return whether a name says that its value is secret."""
    return _SECRET_NAME.search(name) is not None


class Masker:
    """Knows secrets, and hides them in texts and values; safe from any thread."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Learn the secrets of an environment."""
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn_named(environ or {})

    def learn(self, values: Iterable[object]) -> None:
        """Hide these values from now on, however they are written: as they are, in a URL, in JSON."""
        found = {form for value in values if isinstance(value, str) for form in _forms(value)}
        with self._lock:
            if found <= self._known:
                return
            self._known |= found
            longest_first = sorted(self._known, key=lambda one: (-len(one), one))
            self._pattern = re.compile("|".join(map(_searched, longest_first)))

    def learn_named(self, values: Mapping[str, object]) -> None:
        """Hide the values in this mapping that stand under secret names, and what its URLs carry."""
        self.learn(_secrets_in(values, is_secret=False))

    def learn_file(self, path: Path) -> None:
        """Hide every text of a secrets.toml; a file that cannot be read holds nothing that could be shown."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        self.learn(_secrets_in(values, is_secret=True))

    def text(self, text: str) -> str:
        """Return the text with a mask over every secret."""
        hidden = self._masked(text)
        if ":" not in hidden:
            return hidden
        return _QUERY.sub(_without_values, _USERINFO.sub(rf"\g<scheme>{MASK}@", hidden))

    def value(self, value: object) -> object:
        """Return a value of JSON with a mask over secrets, and over what stands under a secret name."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {
                    str(name): MASK if is_secret_name(str(name)) and inner else self.value(inner)
                    for name, inner in value.items()
                }
            case list() | tuple():
                return [self.value(inner) for inner in value]
            case _:
                return value

    def knows_any_in(self, text: str) -> bool:
        """Return whether a text, however long, holds a secret that is known."""
        return any(form in text for form in self._known) and self._masked(text) != text

    def json(self, document: bytes) -> bytes:
        """Return a JSON document with a mask over the secrets that are known; names do not count."""
        text = document.decode("utf-8", errors="replace")
        if not self.knows_any_in(text):
            return document
        return json.dumps(self._in_strings(json.loads(text))).encode()

    def words(self, words: Iterable[str], shown_vars: str) -> tuple[str, ...]:
        """Mask a command line; what follows `--vars` is replaced by `shown_vars`, which is masked already."""
        found = []
        is_vars = False
        for word in words:
            if is_vars:
                found.append(shown_vars)
            elif word.startswith("--vars="):
                found.append(f"--vars={shown_vars}")
            else:
                found.append(self.text(word))
            is_vars = word == "--vars"
        return tuple(found)

    def _masked(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def _in_strings(self, value: object) -> object:
        match value:
            case str():
                return self._masked(value)
            case Mapping():
                return {name: self._in_strings(inner) for name, inner in value.items()}
            case list():
                return [self._in_strings(inner) for inner in value]
            case _:
                return value


@contextmanager
def masked_errors(masker: Masker) -> Iterator[None]:
    """Hide secrets in the errors of ours that are raised meanwhile."""
    try:
        yield
    except EltError as error:
        error.message, error.hint = masker.text(error.message), masker.text(error.hint)
        raise


def _forms(value: str) -> Iterator[str]:
    """Return the ways in which a secret may be written; none for a value that is no secret."""
    for one in {value, value.strip()}:
        if len(one) < _SHORTEST or one.lower() in PLAIN or (one.startswith("/") and Path(one).exists()):
            continue  # a file that holds a secret may be named
        yield from (one, quote(one, safe=""), quote_plus(one), json.dumps(one)[1:-1], repr(one)[1:-1])


def _searched(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _LONG else rf"(?<!\w){escaped}(?!\w)"


def _secrets_in(value: object, *, is_secret: bool) -> Iterator[str]:
    """Return the secrets in nested mappings; `is_secret` says that the value itself is one."""
    match value:
        case Mapping():
            for name, inner in value.items():
                yield from _secrets_in(inner, is_secret=is_secret or is_secret_name(str(name)))
        case list() | tuple():
            for inner in value:
                yield from _secrets_in(inner, is_secret=is_secret)
        case str() if _WEB.match(value) or "?" in value:
            yield from _carried(value)
            if is_secret and not _WEB.match(value):
                yield value
        case str() if is_secret:
            yield value
            yield from (line for line in value.splitlines() if len(line) >= _LONG)  # a key in several lines
        case int() if is_secret and not isinstance(value, bool):
            yield str(value)


def _carried(url: str) -> Iterator[str]:
    """Return what a URL carries beside its place: the password, and the values of its query."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return
    if password:
        yield from (password, unquote(password))
    if parts.username and not password:
        yield unquote(parts.username)
    yield from (value for name, value in parse_qsl(parts.query) if is_secret_name(name))


def _without_values(found: re.Match[str]) -> str:
    """Hide the values of a query; what is no URL, such as `x: a?b=c`, has no place before it."""
    names = "&".join(f"{pair.partition('=')[0]}={MASK}" for pair in found["query"].split("&"))
    return f"{found['place']}{names}"
