"""Reads off a template what its outcome depends on beyond its text, without evaluating it."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.reuse.fingerprints.jinja import Token, take_apart
from orchestrator.reuse.fingerprints.sql_text import unsteady

Found = tuple[tuple[str, int], ...]
"""What was found, and in which line."""

_EACH_TIME = frozenset(
    {
        *("run_started_at", "invocation_id", "thread_id", "invocation_args_dict", "selected_resources"),
        *("dbt_metadata_envs", "current_timestamp", "current_timestamp_backcompat", "snapshot_get_time"),
        *("current_timestamp_in_utc_backcompat", "current_timestamp_in_utc", "get_current_timestamp"),
    }
)
_OF_A_CLOCK = frozenset({"now", "utcnow", "today"})
_LOGICAL_DATE = "logical_date"
_ASKS = frozenset(
    {
        *("run_query", "statement", "load_result", "load_agate_table", "load_relation", "get_columns_in_query"),
        *("graph", "execute", "get_column_schema_from_query", "get_columns_in_relation"),
    }
)
_MAY_BE_A_FIELD = frozenset({"graph", "execute", "adapter"})
_ASKS_NOTHING = frozenset({"dispatch", "quote", "quote_as_configured", "quote_seed_column", "type", "is_cancelable"})
_BESIDE_THE_SQL = frozenset(
    {"is_incremental", "should_full_refresh", "flags", "set_sql_header", "sql_header", "load_cached_relation"}
)
_ANYTHING = frozenset({"context", "builtins"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read off one template."""

    names: frozenset[str] = frozenset()
    """Every name that Jinja evaluates: macros among them."""
    strings: frozenset[str] = frozenset()
    vars: frozenset[str] = frozenset()
    env: frozenset[str] = frozenset()
    every_var: bool = False
    """A var is asked for by a name that is not written there."""
    every_env: bool = False
    every_macro: bool = False
    own_entry: bool = False
    """Whether it reads the node's own entry in the manifest: `model`, `config.get`."""
    target: bool = False
    beside_the_sql: bool = False
    """Whether its outcome is not (only) the SQL that compiling shows now."""
    volatile: Found = ()
    asks: Found = ()
    """What asks the warehouse."""
    flags: frozenset[str] = frozenset()
    """The flags of dbt that are read, in upper case: `FULL_REFRESH`."""
    every_flag: bool = False
    """`flags` is used in a way that does not show which of them are read."""
    unknown: Found = ()
    """Whatever is reached, in untaken branches too, that is not on the lists of what is understood."""
    foreign: Found = ()
    """Names that are neither local variables nor names of dbt, each with its first line: macros, the caller hopes.

    The call `package.macro()` is recorded as `package.macro`, and a plain `macro()` as `macro`. A name that the caller
    does not know as a macro is not understood.
    """

    def __or__(self, other: "Reading") -> "Reading":
        return Reading(
            names=self.names | other.names,
            strings=self.strings | other.strings,
            vars=self.vars | other.vars,
            env=self.env | other.env,
            every_var=self.every_var or other.every_var,
            every_env=self.every_env or other.every_env,
            every_macro=self.every_macro or other.every_macro,
            own_entry=self.own_entry or other.own_entry,
            target=self.target or other.target,
            beside_the_sql=self.beside_the_sql or other.beside_the_sql,
            volatile=self.volatile or other.volatile,
            asks=self.asks or other.asks,
            flags=self.flags | other.flags,
            every_flag=self.every_flag or other.every_flag,
            unknown=_both(self.unknown, other.unknown),
            foreign=_both(self.foreign, other.foreign),
        )


def _both(some: Found, more: Found) -> Found:
    """Return what is in either, each word with the line that is found first."""
    if not some or not more:
        return some or more
    return tuple({**dict(more), **dict(some)}.items())


NOTHING = Reading()


def read_template(text: str) -> Reading:
    """Read a template: SQL with Jinja in it."""
    template = take_apart(text)
    volatile = [*unsteady(template.sql), *_each_time(template.tokens)]
    found = _read_tokens(template.tokens, tuple(sorted(volatile, key=_line)))
    for token in template.tokens:
        if token.is_string and "{" in token.text:
            found |= read_template(token.text)
    return found


def _read_tokens(tokens: tuple[Token, ...], volatile: Found) -> Reading:
    if not tokens:
        return Reading(volatile=volatile) if volatile else NOTHING
    names = frozenset(token.text for token in tokens if not token.is_string)
    anything = bool(names & _ANYTHING)
    var_names, env_names = (_asked_for(function, tokens) for function in ("var", "env_var"))
    return Reading(
        names=names,
        strings=frozenset(token.text for token in tokens if token.is_string),
        vars=frozenset(filter(None, var_names)),
        env=frozenset(filter(None, env_names)),
        every_var=anything or None in var_names,
        every_env=anything or None in env_names,
        every_macro=anything or ("dispatch" in names and _dispatches_unnamed(tokens)),
        own_entry=anything or _reads_own_entry(tokens),
        target=anything or "target" in names,
        beside_the_sql=bool(names & _BESIDE_THE_SQL),
        volatile=volatile,
        asks=tuple(_asking(tokens)),
    )


def _asked_for(function: str, tokens: tuple[Token, ...]) -> set[str | None]:
    """Give the names that `var(…)` or `env_var(…)` is called with; None for one that is not a plain string."""
    found: set[str | None] = set()
    for at, token in enumerate(tokens):
        if token.is_string or token.text != function:
            continue
        name = tokens[at + 1] if at + 1 < len(tokens) else None
        called = token.behind == "(" and name is not None and name.is_string and name.before == "("
        found.add(name.text if called and name is not None and name.behind in {",", ")"} else None)
    return found


def _dispatches_unnamed(tokens: tuple[Token, ...]) -> bool:
    for at, token in enumerate(tokens):
        if not token.is_string and token.text == "dispatch":
            named = tokens[at + 1 : at + 3]
            if not any(one.is_string for one in named):
                return True
    return False


def _reads_own_entry(tokens: tuple[Token, ...]) -> bool:
    """A parameter called `model`, as every test has, is no entry."""
    if not any(token.text in {"model", "config"} for token in tokens):
        return False
    is_parameter = tokens[0].text in {"macro", "test"} and any(
        token.text == "model" and token.behind in {",", ")"} and token.line == tokens[0].line for token in tokens[2:9]
    )
    return any(
        (token.text == "config" and token.behind == ".")
        or (token.text == "model" and token.before != "." and token.behind != "=" and not is_parameter)
        for token in tokens
        if not token.is_string
    )


def _each_time(tokens: tuple[Token, ...]) -> Iterator[tuple[str, int]]:
    for token in tokens:
        if token.is_string:
            yield from ((what, token.line) for what, _ in unsteady(token.text))
            if token.text == _LOGICAL_DATE and token.before == "(":
                yield "the logical date", token.line
        elif token.text in _EACH_TIME or (token.text in _OF_A_CLOCK and token.before == "."):
            yield token.text, token.line
        elif token.text == "random" and token.before == "|":
            yield "the filter random", token.line


def _asking(tokens: tuple[Token, ...]) -> Iterator[tuple[str, int]]:
    for at, token in enumerate(tokens):
        if token.is_string or (token.before == "." and token.text in _MAY_BE_A_FIELD):
            continue
        if token.text in _ASKS and token.behind != "=":
            yield token.text, token.line
        elif token.text == "adapter" and token.behind == ".":
            method = tokens[at + 1].text
            if method not in _ASKS_NOTHING:
                yield f"adapter.{method}", token.line


def _line(found: tuple[str, int]) -> int:
    return found[1]
