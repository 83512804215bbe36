"""Renders the number of steps of each kind and status as a table."""

from collections.abc import Mapping

from rich.text import Text

from orchestrator.execution.verdict import Kind
from orchestrator.plan.status import Status
from orchestrator.report.event_line import STYLES


def count_lines(counts: Mapping[Kind, Mapping[Status, int]]) -> list[Text]:
    """Return a row for each kind, with a column for each status that occurs."""
    statuses = [status for status in Status if any(row.get(status) for row in counts.values())]
    widths = {status: max(len(status.value), 7) for status in statuses}
    head = "".join(f"  {status.value.replace('_', ' '):>{widths[status]}}" for status in statuses)
    lines = [Text(f"{'':<11}{head}", style="dim")]
    for kind, row in counts.items():
        line = Text(f"{kind.value:<11}")
        for status in statuses:
            number = row.get(status, 0)
            cell = f"{number:,}" if number else "·"
            line.append(f"  {cell:>{widths[status]}}", style=STYLES[status] if number else "dim")
        lines.append(line)
    return lines
