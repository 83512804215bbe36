"""Fills in the references to the environment of a step's call, and says which of the values are secret."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

from orchestrator.config.substitution import substitute, variables_in
from orchestrator.nodes.own_step import CommandCall, HttpCall, OwnCall, Poll, PythonCall
from orchestrator.plan.step import OwnStep

Pairs = tuple[tuple[str, str], ...]
_LONG = 8  # characters; a shorter part of a value is no secret of its own


def filled(call: OwnCall, environ: Mapping[str, str]) -> OwnCall:
    """Return the call with the values of the environment; raises UnsetError for a variable that is not set."""
    match call:
        case CommandCall():
            return CommandCall(words=tuple(substitute(word, environ) for word in call.words))
        case PythonCall():
            return call
        case HttpCall():
            return replace(
                call,
                url=substitute(call.url, environ),
                headers=_pairs(call.headers, environ),
                body=_in_json(call.body, environ),
                poll=None if call.poll is None else _poll(call.poll, environ),
            )


def missing_variables(step: OwnStep, environ: Mapping[str, str]) -> list[str]:
    """Return the variables that a step needs and that are not set, each once."""
    wanted = [*step.env]
    for text in _texts(step.call):
        wanted += [name for name, default in variables_in(text) if default is None]
    return [name for name in dict.fromkeys(wanted) if name not in environ and name not in GIVEN]


def secrets_of(step: OwnStep, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the values that nothing may show: of the variables that a step names, and of its headers."""
    headers: Pairs = ()
    if isinstance(step.call, HttpCall):
        headers = (*step.call.headers, *(step.call.poll.headers if step.call.poll is not None else ()))
    names = [*step.env, *(name for _, value in headers for name, _ in variables_in(value))]
    yield from (environ[name] for name in names if name in environ and name not in GIVEN)


def hidden_of(step: OwnStep, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what the step itself must not show: everything that is filled in, except scheme and host of a URL."""
    names = [*step.env, *(name for text in _texts(step.call) for name, _ in variables_in(text))]
    for name in dict.fromkeys(names):
        if name in environ and name not in GIVEN:
            yield from _hidden(environ[name])


GIVEN = (
    *("ELT_RUN_ID", "ELT_STEP", "ELT_ATTEMPT", "ELT_TARGET", "ELT_SCHEDULE"),
    *("ELT_DATA_INTERVAL_START", "ELT_DATA_INTERVAL_END"),
)
"""The variables that elt itself gives to a step; the last three only in a scheduled run."""


def _hidden(value: str) -> Iterator[str]:
    """Yield what of a value is hidden, and its parts that may be shown alone."""
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme and parts.netloc:
        login = parts.netloc.rpartition("@")[0]
        yield from (login, unquote(login), *login.split(":", 1))
        yield parts._replace(scheme="", netloc="").geturl().lstrip("/")
        yield from (part for part in parts.path.split("/") if len(part) >= _LONG)
        yield from (part for _, part in parse_qsl(parts.query) if len(part) >= _LONG)
    else:
        yield value
        yield from (line for line in value.splitlines() if len(line) >= _LONG)  # output is masked line by line


def _poll(poll: Poll, environ: Mapping[str, str]) -> Poll:
    return replace(poll, url=substitute(poll.url, environ), headers=_pairs(poll.headers, environ))


def _pairs(pairs: Pairs, environ: Mapping[str, str]) -> Pairs:
    return tuple((name, substitute(value, environ)) for name, value in pairs)


def _in_json(body: str, environ: Mapping[str, str]) -> str:
    """Fill in the texts of a JSON document; a value with quotes stays one text."""
    return json.dumps(_plain(json.loads(body), environ)) if body else ""


def _plain(value: object, environ: Mapping[str, str]) -> object:
    match value:
        case str():
            return substitute(value, environ)
        case dict():
            return {name: _plain(inner, environ) for name, inner in value.items()}
        case list():
            return [_plain(inner, environ) for inner in value]
        case _:
            return value


def _texts(call: OwnCall) -> Iterator[str]:
    match call:
        case CommandCall():
            yield from call.words
        case PythonCall():
            return
        case HttpCall():
            yield from (call.url, call.body, *(value for _, value in call.headers))
            if call.poll is not None:
                yield from (call.poll.url, *(value for _, value in call.poll.headers))
