"""Compiles a node to each text that a run may have compiled it to; writes no files."""

from collections.abc import Iterator
from copy import copy

from orchestrator.adapters.dbt.compiling import compile_code
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.nodes.identity import NodeId


def compiled_variants(session: DbtSession, unique_id: NodeId) -> tuple[str, ...]:
    """Return the compiled code of a node and, if it is incremental, also its compiled code for a full refresh.

    The result is empty if the node cannot be compiled.
    """
    return tuple(dict.fromkeys(_variants(session, unique_id)))


def _variants(session: DbtSession, unique_id: NodeId) -> Iterator[str]:
    code = compile_code(session, unique_id)
    if code is not None:
        yield code
    if session.manifest.expect(unique_id).config.materialized == "incremental":
        whole = _compiled_as_a_whole(session, unique_id)
        if whole is not None:
            yield whole


def _compiled_as_a_whole(session: DbtSession, unique_id: NodeId) -> str | None:
    from dbt.adapters.factory import get_adapter
    from dbt.compilation import Compiler
    from dbt_common.exceptions import DbtBaseException

    node = copy(session.manifest.expect(unique_id))
    node.config = copy(node.config)
    node.config.full_refresh = True  # then is_incremental() is false
    try:
        with get_adapter(session.config).connection_named(f"compile_{unique_id}"):
            compiled = Compiler(session.config).compile_node(node, session.manifest, {}, write=False)
    except DbtBaseException:
        return None
    code = compiled.compiled_code
    return code if isinstance(code, str) else None
