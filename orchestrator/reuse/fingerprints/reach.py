"""Which macros a text reaches, and what they read: from the texts, because dbt notes only what ran while it parsed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from orchestrator.nodes.dbt import Manifest
from orchestrator.nodes.definition import Macro
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.reuse.fingerprints.reading import NOTHING, Reading, read_template

_SHOWS_IN_THE_RELATION = frozenset({"generate_schema_name", "generate_alias_name", "generate_database_name"})
_MATERIALIZATION = "materialization_"
_TEST = "test_"


@dataclass(frozen=True, slots=True)
class Reached:
    """Macros that a text reaches, each with the one that calls it; None where the text itself does."""

    through: Mapping[NodeId, NodeId | None]

    def way_to(self, macro: NodeId) -> tuple[NodeId, ...]:
        """Give the macros on the way, the first called first and `macro` last."""
        way = [macro]
        while (caller := self.through[way[0]]) is not None:
            way.insert(0, caller)
        return tuple(way)


class MacroIndex:
    """The macros of a project and its packages; those of dbt itself come with its version and are left out."""

    def __init__(self, manifest: Manifest) -> None:
        own = {"dbt", f"dbt_{manifest.adapter_type}"}
        self._of_dbt = frozenset(macro.name for macro in manifest.macros.values() if macro.package in own)
        self.macros = {name: macro for name, macro in manifest.macros.items() if macro.package not in own}
        self._hooks_at_start = tuple(
            node.definition.raw_code
            for node in manifest.nodes.values()
            if node.resource_type is ResourceType.OPERATION and "on-run-start" in node.tags
        )
        self._readings: dict[str, Reading] = {}
        self._materializations: dict[str | None, Reached] = {}
        self._by_name: dict[str, list[NodeId]] = defaultdict(list)
        for macro in self.macros.values():
            self._by_name[macro.name].append(macro.unique_id)
            _, parted, dispatched = macro.name.partition("__")
            if parted:
                self._by_name[dispatched].append(macro.unique_id)

    def read(self, text: str) -> Reading:
        """Read a template; each text is read once."""
        found = self._readings.get(text)
        if found is None:
            found = self._readings[text] = read_template(text)
        return found

    def code_of(self, macro: str) -> str:
        """Give the text of a macro."""
        return self.macros[NodeId(macro)].code

    def reached(self, reading: Reading, called: Iterable[NodeId] = ()) -> Reached:
        """Give every macro that a text reaches; `called` are those that dbt saw it call."""
        through: dict[NodeId, NodeId | None] = {}
        waiting: list[tuple[NodeId, NodeId | None]] = [(macro, None) for macro in self._named(reading)]
        waiting += [(macro, None) for macro in called if macro in self.macros]
        for macro, caller in waiting:  # grows while it is walked: the nearest way is found first
            if macro not in through:
                through[macro] = caller
                waiting += [(next_one, macro) for next_one in self._calls(self.macros[macro]) if next_one != macro]
        return Reached(through)

    def reading_of(self, reached: Reached, text: Reading) -> Reading:
        """Put together what a text and the macros that it reaches read."""
        for macro in reached.through:
            text |= self.read(self.macros[macro].code)
        return text

    @cached_property
    def everywhere(self) -> Reached:
        """The macros that stand in for macros of dbt: dbt may call them for any node."""
        found = [
            macro.unique_id
            for macro in self.macros.values()
            if not macro.name.startswith((_MATERIALIZATION, _TEST))
            and macro.name not in _SHOWS_IN_THE_RELATION
            and (macro.name in self._of_dbt or macro.name.partition("__")[2] in self._of_dbt)
        ]
        return self.reached(NOTHING, found)

    @cached_property
    def at_start(self) -> tuple[tuple[str, ...], Reading, Reached]:
        """The on-run-start hooks: they may make what models call."""
        reading = NOTHING
        for text in self._hooks_at_start:
            reading |= self.read(text)
        return self._hooks_at_start, reading, self.reached(reading)

    def materialization(self, name: str | None) -> Reached:
        """Give the macros by which a project materialises a node, when it has its own."""
        found = self._materializations.get(name)
        if found is None:
            begin = f"{_MATERIALIZATION}{name}_"
            own = [macro.unique_id for macro in self.macros.values() if macro.name.startswith(begin)]
            found = self._materializations[name] = self.reached(NOTHING, own)
        return found

    def _named(self, reading: Reading) -> Iterator[NodeId]:
        if reading.every_macro:
            yield from self.macros
            return
        for name in sorted(reading.names & self._by_name.keys()):
            yield from self._by_name[name]
        if "dispatch" in reading.names:
            for name in sorted(reading.strings & self._by_name.keys()):
                yield from self._by_name[name]

    def _calls(self, macro: Macro) -> Iterator[NodeId]:
        yield from self._named(self.read(macro.code))
        yield from (called for called in macro.macros if called in self.macros)
