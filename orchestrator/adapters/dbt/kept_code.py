"""Defines what is kept of the compilation of a node, and puts it into the node's entry in a manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCode:
    """What dbt compiled a node to."""

    code: str
    compiled_path: str
    build_path: str | None
    """The file of the statement in `target/run`; like the other path, relative to the project's folder. An ephemeral
    model has none."""
    ctes: tuple[Mapping[str, str], ...] = ()
    """The ephemeral models that were inlined, as in the manifest."""
    macros: tuple[str, ...] = field(default=())
    """`depends_on.macros` after the node was executed."""

    def in_entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the node's entry in manifest.json as it is after the node was executed."""
        return {
            **entry,
            "compiled": True,
            "compiled_code": self.code,
            "compiled_path": self.compiled_path,
            "build_path": self.build_path,
            "extra_ctes_injected": True,
            "extra_ctes": [dict(cte) for cte in self.ctes],
            "depends_on": {**entry["depends_on"], "macros": list(self.macros)},
        }


def code_of(node: Any) -> KeptCode | None:  # noqa: ANN401  # dbt's node
    """Return the compiled code of a node that was executed; None if it has none."""
    if not node.compiled_code or not node.compiled_path:
        return None
    return KeptCode(
        code=node.compiled_code,
        compiled_path=node.compiled_path,
        build_path=node.build_path,
        ctes=tuple({"id": cte.id, "sql": cte.sql} for cte in node.extra_ctes),
        macros=tuple(node.depends_on.macros),
    )


def put_into(node: Any, code: KeptCode) -> None:  # noqa: ANN401  # dbt's node
    """Make a node of an open dbt as it would be if dbt had compiled and executed it."""
    from dbt.artifacts.resources import InjectedCTE

    node.compiled, node.compiled_code = True, code.code
    node.compiled_path, node.build_path = code.compiled_path, code.build_path
    node.extra_ctes_injected = True
    node.extra_ctes = [InjectedCTE(id=cte["id"], sql=cte["sql"]) for cte in code.ctes]
    node.depends_on.macros = list(code.macros)


def code_to_json(key: str, code: KeptCode) -> list[Any]:
    """Return the code of a node in the form in which it is kept: with the key of what it depends on."""
    return [key, code.code, code.compiled_path, code.build_path, [dict(cte) for cte in code.ctes], list(code.macros)]


def code_from_json(found: Any) -> tuple[str, KeptCode]:  # noqa: ANN401  # JSON
    """Return a code that was kept, and its key."""
    key, code, compiled, build, ctes, macros = found
    kept = KeptCode(code=code, compiled_path=compiled, build_path=build, ctes=tuple(ctes), macros=tuple(macros))
    return key, kept
