"""Builds dbt's graph of a parsed session for its selector, in time linear in the number of edges."""

import json
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.bridge.access import skip_search_for_cycles
from orchestrator.graph.dag import Dag


def node_graph(task: Any) -> Any:  # noqa: ANN401  # dbt's task, dbt's graph
    """Link the nodes as dbt's compiler does before a command, and write the same graph files; compiles nothing.

    Test edges are omitted: they only order nodes, and selection ignores them anyway. Raises GraphCycleError.
    """
    from dbt.compilation import Linker
    from dbt.graph import Graph
    from dbt_common.invocation import get_invocation_id

    compiler, manifest = task.compiler, task.manifest
    compiler.initialize()
    linker = Linker()
    skip_search_for_cycles(linker)
    linker.link_graph(manifest)
    Dag(linker.nodes(), linker.edges())  # finds a cycle in linear time
    summary = {"_invocation_id": get_invocation_id(), "linked": linker.get_graph_summary(manifest)}
    (Path(compiler.config.project_target_path) / "graph_summary.json").write_text(json.dumps(summary))
    compiler.write_graph_file(linker, manifest)
    return Graph(linker.graph)
