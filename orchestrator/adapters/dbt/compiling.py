"""Compiles single nodes of an open, parsed session; writes no files."""

from copy import copy

from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.nodes.identity import NodeId


def compile_code(session: DbtSession, unique_id: NodeId) -> str | None:
    """Return the compiled code of a node; None if it cannot be compiled now."""
    from dbt.adapters.factory import get_adapter
    from dbt.compilation import Compiler
    from dbt_common.exceptions import DbtBaseException

    node = copy(session.manifest.expect(unique_id))
    adapter = get_adapter(session.config)
    try:
        with adapter.connection_named(f"compile_{unique_id}"):
            compiled = Compiler(session.config).compile_node(node, session.manifest, {}, write=False)
    except DbtBaseException:
        return None
    code = compiled.compiled_code
    return code if isinstance(code, str) else None
