"""Describes the parts of a fingerprint and their changes by files and names that the user knows."""

from dataclasses import dataclass

from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.reuse.fingerprints.compare import DATABASE_SETTING, Change, How
from orchestrator.reuse.fingerprints.make import Fingerprinter
from orchestrator.reuse.fingerprints.surroundings import EVERYTHING

_PLAIN = {
    "adapter": "versions of dbt and the database",
    "relation": "place in the warehouse",
    "target": "what `target` shows",
    "metadata": "the node's own entry in the manifest",
    "batches": "newest batch",
    "docs": "descriptions kept in the database",
    "hook:on-run-start": "on-run-start hooks",
    "config:meta.elt": "configuration meta.elt",
    "python": "versions of Python and its packages",
    "profile:time-zone": "time zone of the process",
    "profile:environment": "environment of the database's client",
}
_OF_KIND = {"profile": "{} in the profile", "config": "configuration {}", "hook": "{}", "setting": "setting {}"}
_WITH_FILE = {"code": "code", "seed": "content", "arguments": "arguments"}
_HOW = {How.CHANGED: "changed", How.ADDED: "is new", How.REMOVED: "is gone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """The description of a part."""

    subject: str
    """What the part covers: `code`, `macro`, `var start_date`, `parent stg_flights`."""
    place: str = ""
    """The file that defines it."""
    way: str = ""
    """How the node comes to use a macro."""

    def described(self, how: How) -> str:
        """Describe its change: `macro changed: macros/cents.sql (used through stg_orders → cents)`."""
        place = f": {self.place}" if self.place else ""
        return f"{self.subject} {_HOW[how]}{place}{f' ({self.way})' if self.way else ''}"


class Words:
    """Describes the parts of one node's fingerprint."""

    def __init__(self, manifest: Manifest, maker: Fingerprinter, node: DbtNode) -> None:
        self._manifest = manifest
        self._node = node
        self._index = maker.index
        self._reached = maker.reached_by(node)

    def change(self, change: Change) -> str:
        """Describe the change of a part."""
        return self.part(change.part).described(change.how)

    def part(self, name: str) -> Worded:
        """Describe a part."""
        if name in _PLAIN:
            return Worded(subject=_PLAIN[name])
        if name in _WITH_FILE:
            return Worded(subject=_WITH_FILE[name], place=self._node.path)
        if name == "contract":
            return Worded(subject=name, place=self._node.definition.properties or self._node.path)
        kind, _, of = name.partition(":")
        if kind == "macro":
            return self._macro(NodeId(of))
        if kind in {"parent", "relation", "ids", "columns"}:
            return self._parent(kind, NodeId(of))
        if name.startswith(DATABASE_SETTING):
            return Worded(subject=f"database setting {name.removeprefix(DATABASE_SETTING)}")
        nouns = {"var": "var", "env": "environment variable", "flag": "flag"}
        if kind in nouns:
            return Worded(subject=f"any {nouns[kind]}" if of == EVERYTHING else f"{nouns[kind]} {of}")
        shown = of.replace("_", "-") if kind == "setting" else of
        return Worded(subject=_OF_KIND.get(kind, "{}").format(shown or name))

    def _parent(self, kind: str, parent: NodeId) -> Worded:
        source = parent in self._manifest.sources
        name = short_name(parent)
        if kind in {"ids", "columns"}:
            of = "dlt's ids in" if kind == "ids" else "columns of"
            return Worded(subject=f"{of} {name}")
        if kind == "relation":
            return Worded(subject=f"where source {name} is read from")
        return Worded(subject=f"data of source {name}" if source else f"parent {name}")

    def _macro(self, unique_id: NodeId) -> Worded:
        macro = self._index.macros.get(unique_id)
        if macro is None:
            return Worded(subject=f"macro {short_name(unique_id)}")
        place = macro.path if macro.package == self._manifest.project_name else f"{macro.package}/{macro.path}"
        if unique_id not in self._reached.through:
            return Worded(subject="macro", place=place, way=f"{macro.name}, which stands in for one of dbt")
        names = [self._index.macros[one].name for one in self._reached.way_to(unique_id)]
        if len(names) == 1:
            return Worded(subject="macro", place=place, way=f"{names[0]}, used by {self._node.name}")
        return Worded(subject="macro", place=place, way=f"used through {' → '.join((self._node.name, *names))}")
