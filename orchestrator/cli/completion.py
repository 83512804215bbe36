"""Completion of node names in the shell, from the last manifest."""

from pathlib import Path

import click
from click.shell_completion import CompletionItem


def complete_nodes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  # click's signature
    """Offer the names of the last manifest."""
    from orchestrator.api import known_names

    project_dir = context.params.get("project_dir")
    prefix = incomplete[: len(incomplete) - len(incomplete.lstrip("@+0123456789"))]
    value = incomplete[len(prefix) :]
    names = known_names(Path(project_dir) if project_dir else None)
    return [CompletionItem(prefix + name) for name in names if name.startswith(value)]
