"""Names by content everything that the compilation of a node depends on, besides the settings of the project.

The key is only for nodes whose Jinja reads nothing else (`reuse/fingerprints/steady_code.py`): neither the graph of the
project, nor the database, nor a clock. Variables, versions, the profile and `dbt_project.yml` are compared as a whole.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from orchestrator.reuse.fingerprints.digest import digest_of

_SECTIONS = ("nodes", "sources", "functions")
_NEVER_READ = frozenset(
    {"created_at", "compiled", "compiled_code", "compiled_path", "build_path", "extra_ctes", "extra_ctes_injected"}
)
"""Fields that tell of a parse or of a compilation."""
_NOT_SEEN_BY_CHILDREN = _NEVER_READ | {
    *("raw_code", "checksum", "description", "columns", "docs", "doc_blocks", "patch_path", "unrendered_config"),
    *("depends_on", "refs", "sources", "metrics", "functions"),
}
"""Fields of a node that do not show in the relation that `ref` returns."""


class CodeKeys:
    """The keys of the nodes of one manifest, as dbt writes it after a parse."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        """Set the decoded manifest.json."""
        self._manifest = manifest
        self._entries: Mapping[str, Mapping[str, Any]] = {
            key: entry for section in _SECTIONS for key, entry in manifest.get(section, {}).items()
        }
        self._found: dict[str, str] = {}
        self._referred: dict[str, str] = {}

    def of(self, node: str) -> str | None:
        """Return the key of a node; None if the manifest does not have all that it depends on.

        That is so for unit tests, and for seeds: their checksum ignores white space at both ends of the file.
        """
        entry = self._entries.get(node)
        if entry is None or entry.get("resource_type") == "seed":
            return None
        found = self._found.get(node)
        if found is None:
            parents = entry.get("depends_on", {}).get("nodes", ())
            inlined = [self.of(parent) for parent in parents if self._is_ephemeral(parent)]
            seen = [self._seen_by_children(one) for one in sorted({*parents, *self._named_by(entry)})]
            found = self._found[node] = digest_of([self._macros, _without(entry, _NEVER_READ), inlined, seen])
        return found

    def _named_by(self, entry: Mapping[str, Any]) -> set[str]:
        """Return everything that the names in an entry may mean: dbt looks them up again when it compiles."""
        names = {one["name"] for one in entry.get("refs", ())}
        names |= {one[-1] for key in ("sources", "functions") for one in entry.get(key, ())}
        return {found for name in names for found in self._by_name.get(name, ())}

    def _is_ephemeral(self, node: str) -> bool:
        materialized = self._entries.get(node, {}).get("config", {}).get("materialized")
        return bool(materialized == "ephemeral")

    def _seen_by_children(self, node: str) -> str:
        found = self._referred.get(node)
        if found is None:
            entry = self._entries.get(node, {})
            unseen = _NEVER_READ if entry.get("resource_type") == "source" else _NOT_SEEN_BY_CHILDREN
            found = self._referred[node] = digest_of([node, _without(entry, unseen)])
        return found

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for key, entry in self._entries.items():
            found[entry["name"]].append(key)
        return found

    @cached_property
    def _macros(self) -> str:
        """The texts of all macros: each may override another, so a new one may change any node."""
        macros: Mapping[str, Mapping[str, Any]] = self._manifest["macros"]
        return digest_of({key: macro["macro_sql"] for key, macro in macros.items()})


def _without(entry: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in fields}
