"""Turns what a text reads (macros, vars, environment, target) into parts."""

from collections.abc import Iterator

from orchestrator.nodes.dbt import DbtNode
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.reach import MacroIndex, Reached
from orchestrator.reuse.fingerprints.reading import Reading
from orchestrator.reuse.fingerprints.surroundings import EVERYTHING, Surroundings

_ABSENT = "absent"


class Asked:
    """Gives the parts of what texts ask for; each macro, var and variable is hashed once."""

    def __init__(self, index: MacroIndex, around: Surroundings) -> None:
        self._index = index
        self._around = around
        self._macros: dict[str, str] = {}
        self._vars: dict[tuple[str, str], str] = {}
        self._env: dict[str, str] = {}
        self._target = digest_of(dict(around.target))

    def parts(self, reading: Reading, reached: Reached, node: DbtNode) -> dict[str, str]:
        """Give the parts of a text that reads so and reaches these macros, for the node that it belongs to."""
        found = {f"macro:{macro}": self._macro(macro) for macro in reached.through}
        self._add_vars(found, reading, node.package)
        if reading.target:
            found["target"] = self._target
        if reading.own_entry:
            found["metadata"] = metadata_digest(node)
        return found

    def _add_vars(self, found: dict[str, str], reading: Reading, package: str) -> None:
        names = {EVERYTHING} if reading.every_var else reading.vars
        for name in names:
            if f"var:{name}" not in found:
                found[f"var:{name}"] = self._var(package, name)
                for text in self._texts_of(package, name):
                    self._add_vars(found, self._index.read(text), package)
        for name in {EVERYTHING} if reading.every_env else reading.env:
            found[f"env:{name}"] = self._variable(name)

    def _texts_of(self, package: str, name: str) -> Iterator[str]:
        """Give the values of a var in which dbt would evaluate Jinja."""
        known = self._around.vars.get(package, {})
        for value in known.values() if name == EVERYTHING else (known.get(name),):
            if isinstance(value, str) and "{" in value:
                yield value

    def _macro(self, macro: str) -> str:
        if macro not in self._macros:
            self._macros[macro] = digest_of(self._index.code_of(macro))
        return self._macros[macro]

    def _var(self, package: str, name: str) -> str:
        key = (package, name)
        if key not in self._vars:
            known = self._around.vars.get(package, {})
            value = dict(known) if name == EVERYTHING else known.get(name, _ABSENT)
            self._vars[key] = _ABSENT if value is _ABSENT else digest_of([value])
        return self._vars[key]

    def _variable(self, name: str) -> str:
        if name not in self._env:
            self._env[name] = self._around.environment(name)
        return self._env[name]


def metadata_digest(node: DbtNode) -> str:
    """Hash what of a node's own entry no other part has: a text that reads the entry may use any of it."""
    definition = node.definition
    return digest_of(
        {
            "config": definition.config,
            "columns": definition.columns,
            "description": definition.description,
            "meta": node.meta,
            "tags": node.tags,
            "path": node.path,
        }
    )
