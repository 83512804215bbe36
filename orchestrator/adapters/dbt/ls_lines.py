"""Formats nodes as `dbt ls` does."""

from collections.abc import Collection

from orchestrator.adapters.dbt.bridge.access import list_only, set_flag
from orchestrator.adapters.dbt.selector import selection_errors
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.errors import UsageError
from orchestrator.nodes.identity import NodeId


def list_lines(session: DbtSession, nodes: Collection[NodeId], output: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return one line per node, sorted by id, in dbt's format `output`; `keys` are the fields of `json`.

    Raises SelectionError if there are no nodes and dbt's warnings are errors.
    """
    from dbt.events.types import NoNodesSelected
    from dbt.task.list import ListTask
    from dbt_common.events.functions import warn_or_error

    task = ListTask(session.flags, session.config, session.manifest)
    set_flag(session.flags, "output_keys", list(keys))
    list_only(task, [session.manifest.expect(unique_id) for unique_id in sorted(nodes)])
    writers = {
        "json": task.generate_json,
        "name": task.generate_names,
        "path": task.generate_paths,
        "selector": task.generate_selectors,
    }
    if output not in writers:
        raise UsageError(f"{output!r} is not a format of dbt ls.", hint=f"Use one of: {', '.join(sorted(writers))}.")
    if not nodes:
        with selection_errors():
            warn_or_error(NoNodesSelected())
    return tuple(writers[output]())
