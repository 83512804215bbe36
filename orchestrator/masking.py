"""Masks secrets in everything that leaves the process: messages, logs, the record and the output of children."""

import json
import os
import re
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from orchestrator.errors import EltError

MASK = "*****"
_MASKER = "elt_masker"
_SECRET_NAME = re.compile(
    r"passw|passphrase|_pwd$|secret|token|api_?key|access_?key|private_?key|credential|(^|_)auth$|signature",
    re.IGNORECASE,
)
_SHORTEST = 3  # characters; a shorter value is no real secret, and would be found in every line
_LONG = 8  # characters; a shorter value is masked only as a whole word
PLAIN = frozenset(
    {
        *("true", "false", "none", "null", "yes", "no", "default", "disabled", "password", "secret", "token"),
        *("duckdb", "postgres", "postgresql"),
    }
)
"""Values under secret names that are not secrets: switches, placeholder words, and names that occur in any text."""
_USERINFO = re.compile(r"(?P<scheme>\b[A-Za-z][\w+.-]*://)(?!user:password@)[^/\s@'\"]+@")
"""The part before the host of a URL, except in elt's own example."""
_QUERY = re.compile(r"(?P<place>\b[A-Za-z][\w+.-]*:(?://)?[^\s?'\"]*\?)(?P<query>[\w.%~-]+=[^\s'\")]*)")
_CUT = re.compile(r"…|\.\.\.")
"""What elt and other tools put in place of the rest of a long text."""
_CUT_USERINFO = re.compile(
    r"(?P<scheme>\b[A-Za-z][\w+.-]*://)(?P<user>[^/\s@:'\"]+):(?!\d{0,5}(?:…|\.\.\.))[^/\s@'\"]*?(?=…|\.\.\.)"
)
"""The part before the host of a URL that ends there; a port is not one."""
_WEB = re.compile(r"^[A-Za-z][\w+.-]*://")


def is_secret_name(name: str) -> bool:
    """Return whether a name indicates that its value is secret."""
    return _SECRET_NAME.search(name) is not None


class Masker:
    """Knows secrets, and masks them in texts and values; thread-safe."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Learn the secrets of an environment."""
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn_named(environ or {})

    def learn(self, values: Iterable[object]) -> None:
        """Mask these values from now on, in all their forms: as they are, in a URL, in JSON."""
        found = {form for value in values if isinstance(value, str) for form in _forms(value)}
        with self._lock:
            if found <= self._known:
                return
            self._known |= found
            longest_first = sorted(self._known, key=lambda one: (-len(one), one))
            self._pattern = re.compile("|".join(map(_searched, longest_first)))

    def with_also(self, values: Iterable[object]) -> "Masker":
        """Return a masker that masks these values too; this one does not learn them."""
        found = Masker()
        with self._lock:
            found._known, found._pattern = set(self._known), self._pattern
        found.learn(values)
        return found

    def learn_named(self, values: Mapping[str, object]) -> None:
        """Mask the values in this mapping that have secret names, and the secrets in its URLs."""
        self.learn(_secrets_in(values, is_secret=False))

    def learn_secret(self, value: object) -> None:
        """Mask a value that is secret as a whole; in a mapping, mask the values that have secret names."""
        if isinstance(value, Mapping):
            self.learn_named(value)
        else:
            self.learn((value, *_secrets_in(value, is_secret=True)))

    def learn_file(self, path: Path) -> None:
        """Mask every text of a secrets.toml; if the file cannot be read, there is nothing to mask."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        self.learn(_secrets_in(values, is_secret=True))

    def text(self, text: str) -> str:
        """Return the text with every secret masked."""
        hidden = self._without_cut(self._masked(text))
        if ":" not in hidden:
            return hidden
        whole = _QUERY.sub(_without_values, _USERINFO.sub(rf"\g<scheme>{MASK}@", hidden))
        return _CUT_USERINFO.sub(rf"\g<scheme>{MASK}", whole)

    def value(self, value: object) -> object:
        """Return a JSON value with secrets masked, and with all values under secret names masked."""
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
        """Return whether a text of any length contains a known secret."""
        return any(form in text for form in self._known) and self._masked(text) != text

    def json(self, document: bytes) -> bytes:
        """Return a JSON document with the known secrets masked; values are not masked for their names alone."""
        text = document.decode("utf-8", errors="replace")
        if not self.knows_any_in(text):
            return document
        return json.dumps(self._in_strings(json.loads(text))).encode()

    def words(self, words: Iterable[str], shown_vars: str) -> tuple[str, ...]:
        """Return a command line with secrets masked; the masked `shown_vars` replaces the value of `--vars`."""
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

    def _without_cut(self, text: str) -> str:
        """Return the text without the halves of known secrets where something was cut out of it, by whatever tool."""
        if not self._known or _CUT.search(text) is None:
            return text
        parts, marks = _CUT.split(text), _CUT.findall(text)
        begins = [parts[0], *(self._without_rest(part) for part in parts[1:])]
        ends = [*(self._without_begin(part) for part in begins[:-1]), begins[-1]]
        return "".join(part + mark for part, mark in zip(ends, (*marks, ""), strict=True))

    def _without_begin(self, text: str) -> str:
        """Return a text that was cut at its end without the beginning of a known secret there."""
        half = max((_overlap(text, form) for form in self._known), default=0)
        return text[: len(text) - half] + MASK if half else text

    def _without_rest(self, text: str) -> str:
        """Return a text that was cut at its beginning without the end of a known secret there."""
        half = max((_overlap(form, text) for form in self._known), default=0)
        return MASK + text[half:] if half else text

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
    """Mask secrets in errors that are raised inside the context, and keep the masker for their tracebacks."""
    try:
        yield
    except Exception as error:
        if isinstance(error, EltError):
            error.message, error.hint = masker.text(error.message), masker.text(error.hint)
        error.__dict__[_MASKER] = masker
        raise


def masker_of(error: BaseException) -> Masker:
    """Return the masker of the project in which an error was raised; before a project is open, the environment's."""
    found = error.__dict__.get(_MASKER)
    return found if isinstance(found, Masker) else Masker(os.environ)


def _forms(value: str) -> Iterator[str]:
    """Yield the forms in which a secret may be written; none for a value that is no secret."""
    for one in {value, value.strip()}:
        if len(one) < _SHORTEST or one.lower() in PLAIN or (one.startswith("/") and Path(one).exists()):
            continue  # the path of an existing file is not a secret, even if the file holds one
        yield from (one, quote(one, safe=""), quote_plus(one), json.dumps(one)[1:-1], repr(one)[1:-1])


def _overlap(before: str, behind: str) -> int:
    """Return how many characters the end of one text and the beginning of another share; 0 if only a few."""
    longest = min(len(before), len(behind))
    if longest < _SHORTEST or behind[:_SHORTEST] not in before[-longest:]:
        return 0
    return next((size for size in range(longest, _SHORTEST - 1, -1) if before.endswith(behind[:size])), 0)


def _searched(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _LONG else rf"(?<!\w){escaped}(?!\w)"


def _secrets_in(value: object, *, is_secret: bool) -> Iterator[str]:
    """Yield the secrets in nested mappings; `is_secret` says that the value itself is one."""
    match value:
        case Mapping():
            for name, inner in value.items():
                yield from _secrets_in(inner, is_secret=is_secret or is_secret_name(str(name)))
        case list() | tuple():
            for inner in value:
                yield from _secrets_in(inner, is_secret=is_secret)
        case str() if is_secret and isinstance(inside := _document(value), dict | list):
            yield value
            yield from _secrets_in(inside, is_secret=False)  # credentials in JSON, as dlt accepts them in a variable
        case str() if _WEB.match(value) or "?" in value:
            yield from _carried(value)
            if is_secret and not _WEB.match(value):
                yield value
        case str() if is_secret:
            yield value
            yield from (line for line in value.splitlines() if len(line) >= _LONG)  # the lines of a multi-line key
        case int() if is_secret and not isinstance(value, bool):
            yield str(value)


def _document(text: str) -> object:
    """Return the JSON document that a text is; None for any other text."""
    try:
        return json.loads(text) if text.lstrip().startswith(("{", "[")) else None
    except ValueError:
        return None


def _carried(url: str) -> Iterator[str]:
    """Yield the secrets in a URL: its password, and the secret values of its query."""
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
    """Return a query with its values masked; `x: a?b=c` is not a URL, so the pattern does not match it."""
    names = "&".join(f"{pair.partition('=')[0]}={MASK}" for pair in found["query"].split("&"))
    return f"{found['place']}{names}"
