"""Collects what one template reads while its syntax tree is walked."""

from dataclasses import dataclass, field

from orchestrator.reuse.fingerprints.reading_value import TextReading


@dataclass(slots=True, kw_only=True)
class Notes:
    """What has been found so far. Findings with a line keep the first line."""

    names: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    vars: set[str] = field(default_factory=set)
    env: set[str] = field(default_factory=set)
    flags: set[str] = field(default_factory=set)
    every_var: bool = False
    every_env: bool = False
    every_macro: bool = False
    every_flag: bool = False
    own_entry: bool = False
    target: bool = False
    beside_the_sql: bool = False
    volatile: dict[str, int] = field(default_factory=dict)
    asks: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    foreign: dict[str, int] = field(default_factory=dict)
    templates: list[tuple[str, int]] = field(default_factory=list)
    """Strings that are templates themselves, each with its line."""

    def may_read_anything(self, what: str, line: int) -> None:
        """Record that the template may read anything: the names in it do not show what."""
        self.every_var = self.every_env = self.every_macro = self.every_flag = True
        self.own_entry = self.target = self.beside_the_sql = True
        self.unknown.setdefault(what, line)

    def reading(self) -> TextReading:
        """Return the findings as a value."""
        return TextReading(
            names=frozenset(self.names),
            strings=frozenset(self.strings),
            vars=frozenset(self.vars),
            env=frozenset(self.env),
            flags=frozenset(self.flags),
            every_var=self.every_var,
            every_env=self.every_env,
            every_macro=self.every_macro,
            every_flag=self.every_flag,
            own_entry=self.own_entry,
            target=self.target,
            beside_the_sql=self.beside_the_sql,
            volatile=tuple(self.volatile.items()),
            asks=tuple(self.asks.items()),
            unknown=tuple(self.unknown.items()),
            foreign=tuple(self.foreign.items()),
        )
