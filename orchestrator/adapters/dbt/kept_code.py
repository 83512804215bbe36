"""Defines what is kept of the compilation of a node, and puts it into the node's entry in a manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.adapters.dbt.sent_statements import SentStatements, sent_from_json, sent_to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCode:
    """What dbt compiled a node to."""

    code: str | None
    """None of a seed, which dbt does not compile."""
    compiled_path: str | None
    build_path: str | None
    """The file of the statement in `target/run`; like the other path, relative to the project's folder. An ephemeral
    model has none."""
    ctes: tuple[Mapping[str, str], ...] = ()
    """The ephemeral models that were inlined, as in the manifest."""
    macros: tuple[str, ...] = field(default=())
    """`depends_on.macros` after the node was executed."""
    sent: SentStatements | None = None
    """What dbt sent for the node, if that can be sent again; None if the statements are generated."""

    def in_entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the node's entry in manifest.json as it is after the node was executed."""
        depends_on = {**entry["depends_on"], "macros": list(self.macros)}
        if self.code is None:
            return {**entry, "build_path": self.build_path, "depends_on": depends_on}
        return {
            **entry,
            "compiled": True,
            "compiled_code": self.code,
            "compiled_path": self.compiled_path,
            "build_path": self.build_path,
            "extra_ctes_injected": True,
            "extra_ctes": [dict(cte) for cte in self.ctes],
            "depends_on": depends_on,
        }


def code_of(node: Any, sent: SentStatements | None = None) -> KeptCode | None:  # noqa: ANN401  # dbt's node
    """Return the compiled code of a node that was executed, with what dbt `sent`; None if it has neither."""
    code, path = getattr(node, "compiled_code", None), getattr(node, "compiled_path", None)
    if sent is None and not (code and path):
        return None
    return KeptCode(
        code=code,
        compiled_path=path,
        build_path=node.build_path,
        ctes=tuple({"id": cte.id, "sql": cte.sql} for cte in getattr(node, "extra_ctes", ())),
        macros=tuple(node.depends_on.macros),
        sent=sent,
    )


def put_into(node: Any, code: KeptCode) -> None:  # noqa: ANN401  # dbt's node
    """Make a node of an open dbt as it would be if dbt had compiled and executed it."""
    from dbt.artifacts.resources import InjectedCTE

    node.build_path = code.build_path
    if code.code is None:
        return
    node.compiled, node.compiled_code = True, code.code
    node.compiled_path = code.compiled_path
    node.extra_ctes_injected = True
    node.extra_ctes = [InjectedCTE(id=cte["id"], sql=cte["sql"]) for cte in code.ctes]
    node.depends_on.macros = list(code.macros)


def code_to_json(key: str | None, code: KeptCode) -> list[Any]:
    """Return the code of a node in the form in which it is kept: with the key of what it depends on."""
    ctes, sent = [dict(cte) for cte in code.ctes], None if code.sent is None else sent_to_json(code.sent)
    return [key, code.code, code.compiled_path, code.build_path, ctes, list(code.macros), sent]


def code_from_json(found: Any) -> tuple[str | None, KeptCode]:  # noqa: ANN401  # JSON
    """Return a code that was kept, and its key."""
    key, code, compiled, build, ctes, macros, sent = found
    return key, KeptCode(
        code=code,
        compiled_path=compiled,
        build_path=build,
        ctes=tuple(ctes),
        macros=tuple(macros),
        sent=None if sent is None else sent_from_json(sent),
    )
