"""The reading of one template as a value. Readings are combined with `|`."""

from dataclasses import dataclass, replace

Found = tuple[tuple[str, int], ...]
"""Findings in words, each with its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReading:
    """What one template depends on."""

    names: frozenset[str] = frozenset()
    """Every name that may be a macro: names other than local variables, attributes of packages, and `dispatch`."""
    strings: frozenset[str] = frozenset()
    vars: frozenset[str] = frozenset()
    env: frozenset[str] = frozenset()
    every_var: bool = False
    """Whether it reads a var by a computed name."""
    every_env: bool = False
    every_macro: bool = False
    own_entry: bool = False
    """Whether it reads the node's own entry in the manifest: `model`, `config.get`, or `config` as a value."""
    target: bool = False
    beside_the_sql: bool = False
    """Whether its outcome is more than the SQL that compiling shows now."""
    volatile: Found = ()
    asks: Found = ()
    """What only compiling shows: answers of the warehouse, the graph, the order of a set."""
    flags: frozenset[str] = frozenset()
    """The dbt flags that it reads, in upper case: `FULL_REFRESH`."""
    every_flag: bool = False
    """Whether it uses `flags` in a way that does not show which flags it reads."""
    unknown: Found = ()
    """What is not on the lists of what is understood, including in branches that are not taken."""
    foreign: Found = ()
    """Names that are neither local variables nor names of dbt, each with its first line. They should be macros.

    The call `package.macro()` is recorded as `package.macro`, and a plain `macro()` as `macro`. A name that the caller
    does not know as a macro is not understood.
    """

    @property
    def only_names_macros(self) -> bool:
        """Whether the template depends on nothing but the macros that it may name."""
        switches = (self.every_var, self.every_env, self.every_flag, self.own_entry, self.target, self.beside_the_sql)
        found = (self.vars, self.env, self.flags, self.volatile, self.asks, self.unknown, self.foreign)
        return not any(switches) and not any(found)

    def __or__(self, other: "TextReading") -> "TextReading":
        return TextReading(
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
    """Return the findings of both, each with its first line."""
    if not some or not more:
        return some or more
    return tuple({**dict(more), **dict(some)}.items())


NOTHING = TextReading()


def at_line(reading: TextReading, line: int) -> TextReading:
    """Return a reading with its lines shifted, for a text that begins in that line of another."""

    def moved(found: Found) -> Found:
        return tuple((words, its_line + line - 1) for words, its_line in found)

    return replace(
        reading,
        volatile=moved(reading.volatile),
        asks=moved(reading.asks),
        unknown=moved(reading.unknown),
        foreign=moved(reading.foreign),
    )
