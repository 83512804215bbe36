"""Finds the macros that a text can reach and what they read. Each macro is read once, and its closure is shared.

dbt records only the macros that ran while it parsed. A macro in a branch that was not taken can run too, so macros are
followed by the names in their texts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.definition import Macro
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.reuse.fingerprints.reading_value import TextReading
from orchestrator.reuse.fingerprints.stock_macros import calls_of_stock, is_stock, unit_reading
from orchestrator.reuse.fingerprints.text_readings import TextReadings
from orchestrator.reuse.fingerprints.value import Finding

# Their effect is the name of the node's relation, which is a part of its own.
_SHOWS_IN_THE_RELATION = frozenset({"generate_schema_name", "generate_alias_name", "generate_database_name"})
_MATERIALIZATION = "materialization_"
_TEST = "test_"
_EVERY_MACRO = TextReading(every_macro=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the outcome of texts depends on, other than the texts themselves."""

    vars: frozenset[str] = frozenset()
    env: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    every_var: bool = False
    every_env: bool = False
    every_flag: bool = False
    own_entry: bool = False
    target: bool = False
    beside_the_sql: bool = False
    volatile: tuple[Finding, ...] = ()
    asks: tuple[Finding, ...] = ()
    unknown: tuple[Finding, ...] = ()


NO_NEEDS = Needs()
# One finding is enough to run a node. More would only make records and messages longer.
_MOST_FINDINGS = 5


@dataclass(frozen=True, slots=True)
class Reached:
    """Macros that a text can reach, each with the macro that calls it; None if the text calls it directly."""

    through: Mapping[NodeId, NodeId | None]

    def way_to(self, macro: NodeId) -> tuple[NodeId, ...]:
        """Return the chain of calls that leads to a macro; `macro` is the last."""
        way = [macro]
        while (caller := self.through[way[0]]) is not None:
            way.insert(0, caller)
        return tuple(way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """All macros that one macro can reach, including itself, and what they need together."""

    root: NodeId
    reached: Reached
    needs: Needs
    is_trusted: bool
    """Whether dbt's own macros of a known version count as understood."""
    has_own: bool
    """Whether any of them belongs to the project or a package."""


class MacroIndex:
    """The macros of a project, its packages and dbt itself."""

    def __init__(
        self,
        manifest: Manifest,
        changing_flags: frozenset[str] = frozenset(),
        readings: TextReadings | None = None,
    ) -> None:
        """Index the macros of a manifest; `changing_flags` are the dbt flags that differ in each invocation."""
        self._changing_flags = changing_flags
        self._of_dbt_packages = {"dbt", f"dbt_{manifest.adapter_type}"}
        # The adapter for Redshift builds on the one for PostgreSQL, and uses its macros.
        if manifest.adapter_type == "redshift":
            self._of_dbt_packages.add("dbt_postgres")
        self._adapter = manifest.adapter_type
        self.macros = manifest.macros
        self._packages = {macro.package for macro in manifest.macros.values()} | {manifest.project_name}
        self._names_of_dbt = frozenset(macro.name for macro in manifest.macros.values() if self.is_of_dbt(macro))
        self._hooks_at_start = tuple(
            node.definition.raw_code
            for node in manifest.nodes.values()
            if node.resource_type is ResourceType.OPERATION and "on-run-start" in node.tags
        )
        self.readings = readings or TextReadings()
        self._closures: dict[tuple[NodeId, bool], Closure] = {}
        self._materializations: dict[str | None, tuple[Closure, ...]] = {}
        self._called: dict[tuple[NodeId, bool], tuple[NodeId, ...]] = {}
        self._by_name: dict[str, list[NodeId]] = defaultdict(list)
        for macro in self.macros.values():
            self._by_name[macro.name].append(macro.unique_id)
            # `adapter.dispatch('cents')` may call `default__cents` or `duckdb__cents`.
            _, parted, dispatched = macro.name.partition("__")
            if parted:
                self._by_name[dispatched].append(macro.unique_id)

    def is_of_dbt(self, macro: Macro) -> bool:
        """Return whether a macro belongs to dbt or its adapter, so that their versions cover it."""
        return macro.package in self._of_dbt_packages

    def read(self, text: str) -> TextReading:
        """Return the reading of a template. Each text is read once."""
        return self.readings.of(text)

    def needs_of(self, reading: TextReading, path: str, place: str = "") -> Needs:
        """Return what one text needs. An unknown name that is not a macro of the project is not understood."""

        def findings(found: Iterable[tuple[str, int]], *, line: bool = not place) -> tuple[Finding, ...]:
            return tuple(
                # A macro's text is a part of its file, so a line in it is not a line of the file.
                Finding(what=f"{what}{place}", path=path, line=number if line else 0)
                for what, number in found
            )

        if reading.only_names_macros:  # as most arguments of generic tests
            return NO_NEEDS
        changing = sorted(reading.flags & self._changing_flags)
        foreign = [(f"the name {name}", line) for name, line in reading.foreign if not self._is_known(name)]
        return Needs(
            vars=reading.vars,
            env=reading.env,
            flags=reading.flags,
            every_var=reading.every_var,
            every_env=reading.every_env,
            every_flag=reading.every_flag,
            own_entry=reading.own_entry,
            target=reading.target,
            beside_the_sql=reading.beside_the_sql,
            volatile=findings((*reading.volatile, *((f"flags.{name}", 0) for name in changing))),
            asks=findings(reading.asks),
            unknown=findings((*reading.unknown, *foreign)),
        )

    def roots(self, reading: TextReading, called: Iterable[NodeId] = ()) -> tuple[NodeId, ...]:
        """Return the macros that a text calls directly; `called` are the calls that dbt recorded."""
        found = dict.fromkeys(self._named(reading))
        found |= dict.fromkeys(macro for macro in called if macro in self.macros)
        return tuple(found)

    def closure(self, root: NodeId, *, trusts: bool = False) -> Closure:
        """Return what one macro can reach; with `trusts`, known macros of dbt count as understood."""
        found = self._closures.get((root, trusts))
        if found is None:
            found = self._closures[root, trusts] = self._close(root, trusts=trusts)
        return found

    @cached_property
    def everywhere(self) -> tuple[Closure, ...]:
        """The closures of the macros that override macros of dbt: dbt may call them for any node."""
        overriding = [
            macro.unique_id
            for macro in self.macros.values()
            if not self.is_of_dbt(macro)
            and not macro.name.startswith((_MATERIALIZATION, _TEST))
            and macro.name not in _SHOWS_IN_THE_RELATION
            and (macro.name in self._names_of_dbt or macro.name.partition("__")[2] in self._names_of_dbt)
        ]
        return tuple(self.closure(root, trusts=True) for root in overriding)

    @cached_property
    def at_start(self) -> tuple[tuple[str, ...], tuple[NodeId, ...]]:
        """The on-run-start hooks and the macros that they call. They may create functions that models call."""
        readings = [self.read(text) for text in self._hooks_at_start]
        return self._hooks_at_start, tuple(dict.fromkeys(root for one in readings for root in self.roots(one)))

    def materialization(self, name: str | None) -> tuple[Closure, ...]:
        """Return what a materialization can reach; empty if that is only known macros of dbt."""
        found = self._materializations.get(name)
        if found is None:
            names = {f"{_MATERIALIZATION}{name}_{end}" for end in (self._adapter, "default")}
            own = [self.macros[macro] for one in sorted(names) for macro in self._by_name.get(one, ())]
            if not self._is_overridden:  # dbt's own materializations then reach no macro of the project, so skip them
                own = [macro for macro in own if not self._is_stock(macro)]
            closures = (self.closure(macro.unique_id, trusts=True) for macro in own)
            found = self._materializations[name] = tuple(one for one in closures if one.has_own or one.needs.unknown)
        return found

    def _close(self, root: NodeId, *, trusts: bool) -> Closure:
        through: dict[NodeId, NodeId | None] = {root: None}
        waiting = [root]
        needs: list[Needs] = []
        for macro in waiting:  # the loop appends to it; breadth first, so the shortest chain of calls is recorded
            # In code that compiles, the effect of these macros is known by name. In a materialization, the review
            # covers it.
            unit = unit_reading(self.macros[macro].name) if self._is_stock(self.macros[macro]) else None
            if unit is not None and not trusts:
                needs.append(self.needs_of(unit, "", f" in the macro {self.macros[macro].name}"))
                continue
            is_trusted = trusts and self._is_stock(self.macros[macro])
            # A reviewed macro needs nothing by itself, but the project's macros that it calls may.
            needs.append(NO_NEEDS if is_trusted else self._own_needs(self.macros[macro]))
            for called in self._calls(macro, is_trusted=is_trusted):
                if called not in through:
                    through[called] = macro
                    waiting.append(called)
        return Closure(
            root=root,
            reached=Reached(through),
            needs=together(needs),
            is_trusted=trusts,
            has_own=any(not self.is_of_dbt(self.macros[macro]) for macro in through),
        )

    def _own_needs(self, macro: Macro) -> Needs:
        return self.needs_of(self.read(macro.code), macro.path, f" in the macro {macro.name}")

    def _is_stock(self, macro: Macro) -> bool:
        return self.is_of_dbt(macro) and is_stock(macro.name, macro.package, macro.code)

    def _calls(self, macro: NodeId, *, is_trusted: bool) -> tuple[NodeId, ...]:
        key = (macro, is_trusted)
        found = self._called.get(key)
        if found is None:
            own = self.macros[macro]
            reading = self.read(own.code)
            reading = calls_of_stock(reading, self._by_name) if is_trusted else reading
            found = self._called[key] = self.roots(reading, own.macros)
        return found

    @cached_property
    def _is_overridden(self) -> bool:
        """Whether dbt's own macros may call a macro of the project or of a package."""
        own = (macro for macro in self.macros.values() if not self.is_of_dbt(macro))
        names = {name for macro in own for name in (macro.name, macro.name.partition("__")[2])}
        return not names.isdisjoint(self._names_of_dbt) or bool(calls_of_stock(_EVERY_MACRO, names).names)

    def _is_known(self, name: str) -> bool:
        package, parted, macro = name.rpartition(".")
        return macro in self._by_name and (not parted or package in self._packages)

    def _named(self, reading: TextReading) -> Iterator[NodeId]:
        if reading.every_macro:
            yield from self.macros
            return
        # Sorted: the order of a set of strings differs in each process, and findings must not.
        for name in sorted(reading.names & self._by_name.keys()):
            yield from self._by_name[name]
        # The name of what dispatch calls is a string, which may be anywhere in the text.
        if "dispatch" in reading.names:
            for name in sorted(reading.strings & self._by_name.keys()):
                yield from self._by_name[name]


def together(needs: Iterable[Needs]) -> Needs:
    """Return the combined needs of texts, with only the first few findings."""
    some = [one for one in needs if one is not NO_NEEDS]
    if len(some) < 2:
        return some[0] if some else NO_NEEDS
    return Needs(
        vars=frozenset().union(*(one.vars for one in some)),
        env=frozenset().union(*(one.env for one in some)),
        flags=frozenset().union(*(one.flags for one in some)),
        every_var=any(one.every_var for one in some),
        every_env=any(one.every_env for one in some),
        every_flag=any(one.every_flag for one in some),
        own_entry=any(one.own_entry for one in some),
        target=any(one.target for one in some),
        beside_the_sql=any(one.beside_the_sql for one in some),
        volatile=_first(one.volatile for one in some),
        asks=_first(one.asks for one in some),
        unknown=_first(one.unknown for one in some),
    )


def _first(found: Iterable[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(finding for some in found for finding in some))[:_MOST_FINDINGS]
