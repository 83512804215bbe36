"""Compiles single nodes of an open, parsed session; writes no files."""

from copy import copy

from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.nodes.identity import NodeId


def compile_code(session: DbtSession, unique_id: NodeId, *, full_refresh: bool = False) -> str | None:
    """Return the compiled code of a node; None if it cannot be compiled now, or never is, as a unit test."""
    from dbt.adapters.factory import get_adapter
    from dbt.compilation import Compiler
    from dbt_common.exceptions import DbtBaseException

    node = copy(session.manifest.expect(unique_id))
    if full_refresh:  # then is_incremental() is false
        node.config = copy(node.config)
        node.config.full_refresh = True
    try:
        with get_adapter(session.config).connection_named(f"compile_{unique_id}"):
            compiled = Compiler(session.config).compile_node(node, session.manifest, {}, write=False)
    except DbtBaseException:
        return None
    code = getattr(compiled, "compiled_code", None)  # a unit test, for example, has none
    return code if isinstance(code, str) else None


def compiled_variants(session: DbtSession, unique_id: NodeId) -> tuple[str, ...]:
    """Return each text that a run may have compiled a node to: if it is incremental, also that of a full refresh.

    The result is empty if the node cannot be compiled.
    """
    is_incremental = getattr(session.manifest.expect(unique_id).config, "materialized", None) == "incremental"
    ways = (False, True) if is_incremental else (False,)
    codes = [compile_code(session, unique_id, full_refresh=full_refresh) for full_refresh in ways]
    return tuple(dict.fromkeys(code for code in codes if code is not None))
