"""Defines the settings of a step of one's own: a command, an HTTP call or a Python function beside the nodes of dbt."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import PurePosixPath
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from orchestrator.config.readers import anything, as_written, duration, list_of, text
from orchestrator.config.sections import Entries, KeyPath, SectionMistake, at, below, line_of_key, missing
from orchestrator.config.substitution import UnsetError, variables_in
from orchestrator.masking import PLAIN, is_secret_name

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_SECRET_HEADER = re.compile(r"authorization|cookie|(^|[-_])key$|(^|[-_])auth$", re.IGNORECASE)
_OPTION = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)=(?P<value>.+)", re.DOTALL)
_SCHEME = re.compile(r"https?://|\$\{", re.IGNORECASE)
_SHORTEST_PAUSE = timedelta(milliseconds=10)
_REFERENCE = re.compile(r"\$\{[^}]*\}")


def method(value: object) -> str:
    """Return an HTTP method in upper case."""
    if str(value).upper() in METHODS:
        return str(value).upper()
    raise ValueError("expected " + ", ".join(METHODS))


def http_status(value: object) -> int:
    """Return an HTTP status."""
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return value
    raise ValueError("expected an HTTP status such as 200")


def word(value: object) -> str:
    """Return a word of a command line or of an answer; a number counts as its text, and so does `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("expected a text")


def program(value: object) -> str:
    """Return a program without arguments."""
    found = word(value)
    if found.split() != [found]:
        raise ValueError('expected a list, such as [python, train.py]; for shell, [bash, -c, "…"]')
    return found


def pause(value: object) -> timedelta:
    """Return the time between two requests: at least a hundredth of a second, so that no server is flooded."""
    span = duration(value)
    if span < _SHORTEST_PAUSE:
        raise ValueError("expected a duration of at least 10ms, such as 10s")
    return span


def function_name(value: object) -> str:
    """Return the name of a Python function, as `module:function`."""
    if isinstance(value, str) and _FUNCTION.fullmatch(value):
        return value
    raise ValueError('expected a module and a function, such as "ml.train:main"')


def variable(value: object) -> str:
    """Return the name of an environment variable."""
    if isinstance(value, str) and _VARIABLE.fullmatch(value):
        return value
    raise ValueError("expected the name of an environment variable, without its value")


def file_pattern(value: object) -> str:
    """Return a file or a glob below the project's root."""
    if isinstance(value, str) and value.strip():
        path = PurePosixPath(value)
        if not path.is_absolute() and ".." not in path.parts:
            return value
    raise ValueError("expected a file or a glob below the folder of elt.yml, such as ml/*.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSettings:
    """How the end of what an HTTP call started is awaited."""

    url: str | None = field(default=None, metadata=at("http.poll.url", as_written(text)))
    """`{response.job.id}` in it is a value of the first answer."""
    headers: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), metadata=at("http.poll.headers.*", as_written(text))
    )
    status_field: str | None = field(default=None, metadata=at("http.poll.field", text))
    """The value of the answer that says how far it is, such as `job.status`."""
    success: tuple[str, ...] = field(default=(), metadata=at("http.poll.success", list_of(word)))
    failure: tuple[str, ...] = field(default=(), metadata=at("http.poll.failure", list_of(word)))
    every: timedelta = field(default=timedelta(seconds=10), metadata=at("http.poll.every", pause))

    @property
    def is_set(self) -> bool:
        """Return whether any key of it is set."""
        return any((self.url, self.headers, self.status_field, self.success, self.failure))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """An HTTP call."""

    url: str | None = field(default=None, metadata=at("http.url", as_written(text)))
    method: str = field(default="POST", metadata=at("http.method", method))
    headers: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), metadata=at("http.headers.*", as_written(text))
    )
    json: object = field(default=None, metadata=at("http.json", as_written(anything)))
    """The body of the request."""
    status: tuple[int, ...] = field(default=(), metadata=at("http.status", list_of(http_status)))
    """The statuses of success; empty for any from 200 to 299."""
    poll: PollSettings = PollSettings()

    @property
    def is_set(self) -> bool:
        """Return whether any key of it is set."""
        return any((self.url, self.headers, self.json is not None, self.status, self.poll.is_set))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettings:
    """One step of elt.yml."""

    name: str
    after: tuple[str, ...] = field(default=(), metadata=at("after", list_of(text)))
    """What it follows, in the syntax of `--select`."""
    before: tuple[str, ...] = field(default=(), metadata=at("before", list_of(text)))
    """The dbt sources whose tables it fills, in the same syntax."""
    command: tuple[str, ...] = field(
        default=(), metadata=at("command", list_of(as_written(word), alone=as_written(program)))
    )
    python: str | None = field(default=None, metadata=at("python", function_name))
    http: HttpSettings = HttpSettings()
    env: tuple[str, ...] = field(default=(), metadata=at("env", list_of(variable)))
    """The environment variables that it needs; their values are masked."""
    inputs: tuple[str, ...] | None = field(default=None, metadata=at("inputs", list_of(file_pattern)))
    """The files that its result depends on; None if that is unknown, so that it always runs."""
    line: int = line_of_key()


def mistakes_of_steps(steps: Mapping[str, StepSettings], entries: Entries) -> Iterator[SectionMistake]:
    """Yield what no single key shows: actions and places that are missing or too many, and literal secrets."""
    for step in steps.values():
        for problem, missed in _problems(step):
            text, keys = f"'steps.{step.name}': {problem}", missing(("steps", step.name), *missed)
            yield SectionMistake(line=step.line, text=text, missed=keys)
        for key, value, line in below(entries, "steps", step.name):
            named = ".".join(("steps", step.name, *key))
            yield from (SectionMistake(line=line, text=f"'{named}': {told}") for told in _in_value(key, value))


def _problems(step: StepSettings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what is wrong with a step, and the keys that it lacks."""
    if _NAME.fullmatch(step.name) is None:
        yield "a name has letters, digits, '-' and '_', and begins with a letter or a digit", ()
    actions = {"command": bool(step.command), "http": step.http.is_set, "python": step.python is not None}
    chosen = [name for name, is_set in actions.items() if is_set]
    if not chosen:
        yield "it needs 'command', 'http' or 'python': what does it do?", tuple(actions)
    elif len(chosen) > 1:
        yield f"it has {' and '.join(map(repr, chosen))}; a step does one thing", ()
    if not step.after and not step.before:
        yield "it needs 'after' or 'before': when does it run?", ("after", "before")
    if step.http.is_set and step.http.url is None:
        yield "it needs the key 'http.url'", ("http.url",)
    if step.http.poll.is_set:
        needed = {"url": step.http.poll.url, "field": step.http.poll.status_field, "success": step.http.poll.success}
        for name in (one for one, value in needed.items() if not value):
            yield f"it needs the key 'http.poll.{name}'", (f"http.poll.{name}",)


def _in_value(key: KeyPath, value: object) -> Iterator[str]:
    """Yield what is wrong with the value of one key: a reference, a URL, or a secret that is written in the file."""
    for one in _texts(value):
        try:
            defaults = [default for _, default in variables_in(one)]
        except UnsetError as error:
            yield str(error)
            return
        if key[:1] == ("http",) and key[-1] == "url":
            if _SCHEME.match(one) is None and key != ("http", "poll", "url"):
                yield "expected a URL that begins with http:// or https://"
            if _has_literal_secret(one) or any("@" in default for default in defaults if default):
                yield _NOT_HERE
    if "headers" in key and (_SECRET_HEADER.search(key[-1]) or is_secret_name(key[-1])) and _is_literal(str(value)):
        yield _NOT_HERE
    if key == ("http", "json") and any(_literal_secrets(value)):
        yield _NOT_HERE
    if key == ("command",) and isinstance(value, tuple) and any(map(_is_secret_option, value)):
        yield _NOT_HERE


_NOT_HERE = "a secret must not be written here; use ${NAME}, which takes it from the environment"


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)


def _is_literal(value: str) -> bool:
    """Return whether a value takes nothing from the environment, or has a default that is a secret too."""
    try:
        found = list(variables_in(value))
    except UnsetError:
        return False  # reported already
    return not found or any(default for _, default in found)


def _has_literal_secret(url: str) -> bool:
    """Return whether the password of a URL, or a value of its query with a secret name, is written in it."""
    try:
        parts = urlsplit(_REFERENCE.sub("REFERENCE", url))
        password = parts.password
    except ValueError:
        return False
    pairs = parse_qsl(parts.query)
    secret = [value for name, value in pairs if is_secret_name(name) and value.lower() not in PLAIN]
    secret += [password] if password else []
    return any("REFERENCE" not in value and "{response" not in value for value in secret)


def _literal_secrets(value: object, name: str = "") -> Iterator[str]:
    """Yield the texts of a request's body that have secret names and are written in the file."""
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from _literal_secrets(inner, str(key))
        case list() | tuple():
            for inner in value:
                yield from _literal_secrets(inner, name)
        case str() if name and is_secret_name(name) and value.lower() not in PLAIN and _is_literal(value):
            yield value


def _is_secret_option(value: object) -> bool:
    found = _OPTION.fullmatch(str(value))
    return found is not None and is_secret_name(found["name"].replace("-", "_")) and _is_literal(found["value"])
