"""Finds what is not understood in the SQL of a node's hooks, and in the macros that generate it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.reuse.fingerprints.config_keys import hooks_of
from orchestrator.reuse.fingerprints.macros import MacroIndex
from orchestrator.reuse.fingerprints.sql_placeholders import PLACEHOLDERS
from orchestrator.reuse.fingerprints.value import Finding


def hook_findings(node: DbtNode, index: MacroIndex, adapter: str, values: Mapping[str, object]) -> Iterator[Finding]:
    """Yield what in a node's hooks is not understood, or returns a different result each time.

    A hook is not compiled before it runs. So its text is read with a placeholder for each Jinja expression, and with
    the `values` of the vars that its package sees. Macros of the project may generate any part of it, so each macro
    that it can reach must be understood by itself.
    """
    own = hooks_of(node.definition.config)
    if not own:
        return
    from orchestrator.reuse.fingerprints.template import placeholder_sql  # Jinja is slow to import

    for key, hook in own:
        text = hook.get("sql") if isinstance(hook, dict) else hook
        if not isinstance(text, str):
            continue
        for what in _not_understood(placeholder_sql(text, values), adapter):
            yield Finding(what=f"{what} in a {key}", path=node.path)
        reading = index.read(text)
        for root in index.roots(reading):
            for unique_id in index.closure(root).reached.through:
                macro = index.macros[unique_id]
                if not index.is_of_dbt(macro):
                    for what in _not_understood(placeholder_sql(macro.code, values), adapter):
                        yield Finding(what=f"{what} in the macro {macro.name}, which a {key} calls", path=macro.path)


@lru_cache(maxsize=1024)
def _not_understood(sql: str, adapter: str) -> tuple[str, ...]:
    from orchestrator.reuse.fingerprints.statement_hooks import read_hook

    # Only calls of macros. The caller reads these by themselves, and sqlglot is slow to import.
    if PLACEHOLDERS.issuperset(sql.replace(";", " ").split()):
        return ()
    found = read_hook(sql, adapter)
    return (*found.unknown, *found.volatile, *(f"the table {'.'.join(name)}" for name in sorted(found.relations)))


_HARMLESS = re.compile(
    r"\s*(create\s+schema|create\s+(or\s+replace\s+)?(temp(orary)?\s+)?(macro|function)|set|grant|revoke|comment|pragma|load|install)\b",
    re.IGNORECASE,
)


_RENDERS_ONLY = frozenset({"var", "env_var", "ref", "source"})
"""Functions of dbt that return a text and query nothing."""


def may_change_rows(texts: Iterable[str]) -> bool:
    """Return whether the texts of on-run-start hooks may change rows that nodes read.

    Statements that create schemas or functions, grant rights or change settings do not change rows. A macro may run any
    query while the hook is rendered, whatever it returns, also in a tag that leaves no SQL.
    """
    texts = tuple(texts)
    if not texts:
        return False
    from orchestrator.reuse.fingerprints.template import calls_other_than, placeholder_sql

    if any(calls_other_than(text, _RENDERS_ONLY) for text in texts):
        return True

    # A semicolon in a string splits a statement in two. If the rest does not look harmless, the hooks run.
    statements = (one for text in texts for one in placeholder_sql(text).split(";"))
    return any(one.strip() and not _HARMLESS.match(one) for one in statements)
