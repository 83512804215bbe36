"""Makes fingerprint parts of what texts need: macros, vars, environment variables, flags, target."""

from collections.abc import Iterable, Iterator

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.config_keys import set_keys
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.macros import Closure, MacroIndex, Needs
from orchestrator.reuse.fingerprints.reading import TextReading
from orchestrator.reuse.fingerprints.surroundings import EVERYTHING, Surroundings
from orchestrator.reuse.fingerprints.value import PartGroup

_ABSENT = "absent"


class Asked:
    """Returns the parts of what texts need. Each macro, var and variable is hashed once, each closure made once."""

    def __init__(self, index: MacroIndex, around: Surroundings) -> None:
        self._index = index
        self._around = around
        # By package: the same macro reads the vars of the package of the node that calls it.
        self._groups: dict[tuple[NodeId, bool, str], PartGroup] = {}
        self._macros: dict[NodeId, str] = {}
        self._vars: dict[tuple[str, str], str] = {}
        self._env: dict[str, str] = {}
        self._target = digest_of(dict(around.target))

    def group(self, closure: Closure, package: str) -> PartGroup:
        """Return the parts of everything that one macro can reach, for the nodes of a package."""
        key = (closure.root, closure.is_trusted, package)
        if key not in self._groups:
            parts = {**self.of_macros(closure.reached.through), **self.of(closure.needs, package)}
            self._groups[key] = PartGroup(parts=parts)
        return self._groups[key]

    def of_macros(self, macros: Iterable[NodeId]) -> dict[str, str]:
        """Return the parts of the texts of macros. Macros of dbt are covered by its version."""
        found = {}
        for unique_id in macros:
            macro = self._index.macros[unique_id]
            if not self._index.is_of_dbt(macro):
                if unique_id not in self._macros:
                    self._macros[unique_id] = digest_of(macro.code)
                found[f"macro:{unique_id}"] = self._macros[unique_id]
        return found

    def of(self, needs: Needs | TextReading, package: str) -> dict[str, str]:
        """Return the parts of what texts need other than macros, for the nodes of a package."""
        found: dict[str, str] = {}
        self._add_vars(found, needs, package)
        for name in {EVERYTHING} if needs.every_flag else needs.flags:
            found[f"flag:{name}"] = self._flag(name)
        if needs.target:
            found["target"] = self._target
        return found

    def _add_vars(self, found: dict[str, str], needs: Needs | TextReading, package: str) -> None:
        for name in {EVERYTHING} if needs.every_var else needs.vars:
            if f"var:{name}" not in found:  # this also ends a cycle of vars that read each other
                found[f"var:{name}"] = self._var(package, name)
                for text in self._texts_of(package, name):  # the value of a var may itself read vars
                    self._add_vars(found, self._index.read(text), package)
        for name in {EVERYTHING} if needs.every_env else needs.env:
            found[f"env:{name}"] = self._variable(name)

    def _texts_of(self, package: str, name: str) -> Iterator[str]:
        """Yield the values of a var that contain Jinja, which dbt would evaluate."""
        known = self._around.vars.get(package, {})
        for value in known.values() if name == EVERYTHING else (known.get(name),):
            if isinstance(value, str) and "{" in value:
                yield value

    def _var(self, package: str, name: str) -> str:
        key = (package, name)
        if key not in self._vars:
            known = self._around.vars.get(package, {})
            value = dict(known) if name == EVERYTHING else known.get(name, _ABSENT)
            self._vars[key] = _ABSENT if value is _ABSENT else digest_of([value])  # in a list: None is a value too
        return self._vars[key]

    def _variable(self, name: str) -> str:
        if name not in self._env:
            self._env[name] = self._around.environment(name)
        return self._env[name]

    def _flag(self, name: str) -> str:
        # Among all flags, one that changes would make every run look different. A text that names it is volatile.
        flags = {one: kept for one, kept in self._around.flags.items() if one not in self._around.changing_flags}
        return digest_of(flags if name == EVERYTHING else flags.get(name, _ABSENT))


def metadata_digest(node: DbtNode) -> str:
    """Return the digest of what no other part covers in a node's entry. A text that reads the entry may use it."""
    definition = node.definition
    return digest_of(
        {
            "config": set_keys(definition.config),
            "columns": definition.columns,
            "description": definition.description,
            "meta": node.meta,
            "tags": node.tags,
            "path": node.path,
        }
    )
