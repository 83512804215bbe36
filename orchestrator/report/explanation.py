"""Prints the explanation of one node for users, and returns it as JSON for programs."""

from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.nodes.identity import short_name
from orchestrator.plan.plan_words import decision_words
from orchestrator.report.locked_text import locked_line, locked_to_json
from orchestrator.report.streams import print_wide
from orchestrator.reuse.explained import Explained, PartLine
from orchestrator.reuse.fingerprints.compare import DATABASE_SETTING, ComparisonVerdict
from orchestrator.reuse.fingerprints.value import Finding
from orchestrator.timetable.shown_moment import shown_moment

_SHOWN = 8  # letters of a digest; enough to show that two differ
_HALF = 32
_MOST_CAUSES = 10
_MANY = (DATABASE_SETTING, "profile:")
"""Parts that every node has. They are listed one by one only if they differ."""
_VERDICTS = {
    ComparisonVerdict.SAME: "Nothing has changed.",
    ComparisonVerdict.DIFFERENT: "Its result may have changed.",
    ComparisonVerdict.NEEDS_COMPILING: "Only compiling it can show whether its result has changed.",
}


def print_explanation(console: Console, found: Explained) -> None:
    """Print what a node's result depends on, now and at its last success, and the resulting decision."""
    if found.locked is not None:
        console.print(locked_line(found.locked), soft_wrap=True)
    kind = found.node.resource_type.value.replace("_", " ")
    console.print(Text.assemble((kind, "cyan"), "  ", (found.node.name, "bold"), f"  {found.node.path}"))
    for name, value in _facts(found):
        console.print(Text.assemble((f"{name:<16}", "dim"), value), soft_wrap=True)
    console.print()
    if found.changes:
        console.print(Text("Since then", style="bold"))
        for change in found.changes:
            console.print(Text(f"  {change}", style="yellow"), soft_wrap=True)
        for line in _above(found):
            console.print(Text(f"    {line}", style="dim"), soft_wrap=True)
        console.print()
    console.print(Text(_verdict(found)), soft_wrap=True)
    console.print()
    _print_parts(console, found)


def explanation_to_json(found: Explained) -> dict[str, object]:
    """Return the explanation as JSON, in the format that docs/reuse.md describes."""
    then = found.last_success
    return {
        "node": found.node.unique_id,
        "path": found.node.path,
        "target": found.target,
        "fingerprint": found.now.digest,
        "verdict": _verdict_word(found),
        "changes": list(found.changes),
        "above": [{"node": cause.node, "changes": list(cause.changes)} for cause in found.above],
        "volatile": _finding(found.now.volatile),
        "at_run_time": _finding(found.now.at_run_time),
        "not_understood": [_finding(one) for one in found.now.not_understood],
        "statement": _statement(found),
        "decision": None
        if found.decision is None
        else {"act": found.decision.act.value, "words": decision_words(found.decision)},
        "unconfirmed": locked_to_json(found.locked),
        "unknown": sorted(found.now.unknown),
        "standing": None
        if then is None
        else {"run_id": then.run_id, "ended_at": then.ended_at, "status": then.status.value},
        "parts": [
            {
                "name": part.name,
                "words": part.words,
                "place": part.place,
                "now": part.now if part.is_read else None,
                "then": part.then,
                "read": part.is_read,
            }
            for part in found.parts
        ],
    }


def _facts(found: Explained) -> list[tuple[str, str]]:
    then = found.last_success
    recovered = "never" if then is None else f"{_moment(then.ended_at)}{then.status.value} in run {then.run_id}"
    if then is not None and then.is_doubted:
        recovered = f"{_moment(then.ended_at)}in run {then.run_id}; found to be wrong since"
    facts = [("target", found.target), ("last success", recovered)]
    if found.now.volatile is not None:
        facts.append(("volatile", f"{found.now.volatile}: it always runs, unless `meta.elt.volatile: false` is set"))
    statement = found.now.statement
    if statement is not None and statement.volatile and not found.now.is_declared:
        what = ", ".join(statement.volatile)
        facts.append(("volatile", f"{what}: it always runs, unless `meta.elt.volatile: false` is set"))
    if found.now.at_run_time is not None:
        facts.append(("at run time", f"{found.now.at_run_time}: its SQL is known only when its parents have finished"))
    if statement is not None and statement.deferred and not found.now.is_declared:
        what = ", ".join(statement.deferred)
        facts.append(("deferred", f"{what}: rows that are read elsewhere cannot be compared, so it always runs"))
    facts += [("not understood", what) for what in _not_understood(found)]
    if found.decision is not None:
        facts.append(("decision", decision_words(found.decision)))
    return facts


def _not_understood(found: Explained) -> list[str]:
    """List what is not understood; the last line says how to fix it."""
    statement = found.now.statement
    findings = [str(one) for one in found.now.not_understood]
    findings += [] if statement is None or found.now.is_declared else statement.findings
    remedy = "If the same inputs always give the same result, set `meta.elt.deterministic: true` on it."
    return [*findings, remedy] if findings else []


def _statement(found: Explained) -> dict[str, object] | None:
    statement = found.now.statement
    if statement is None:
        return None
    return {
        "volatile": list(statement.volatile),
        "not_understood": list(statement.findings),
        "deferred": list(statement.deferred),
    }


def _above(found: Explained) -> list[str]:
    lines = [f"{short_name(cause.node)}: {change}" for cause in found.above for change in cause.changes]
    more = len(lines) - _MOST_CAUSES
    return [*lines[:_MOST_CAUSES], f"and {more:,} more above"] if more > 0 else lines


def _verdict_word(found: Explained) -> str:
    if found.last_success is not None and found.last_success.is_doubted:
        return "doubted"
    return "never_stood" if found.comparison is None else found.comparison.verdict.value


def _verdict(found: Explained) -> str:
    if found.last_success is not None and found.last_success.is_doubted:
        return (
            "A verification found that the existing table differs from what the node builds. It runs, and so does"
            " everything downstream."
        )
    if found.comparison is None and found.last_success is not None:
        return "What exists now is not the result of that build, so there is nothing to compare with."
    if found.comparison is None:
        return "It has never succeeded in this target, so there is nothing to compare with."
    changes = found.comparison.changes
    if found.locked is not None and found.comparison.verdict is ComparisonVerdict.SAME and not changes:
        return "Nothing has changed in the project. Whether its data has changed, only the database can tell."
    if (
        found.comparison.verdict is ComparisonVerdict.SAME
        and changes
        and all(one.part.startswith("parent:") for one in changes)
    ):
        return "It is a view: new rows in what it reads do not change it."
    if found.comparison.verdict is ComparisonVerdict.SAME and found.changes:
        return "It compiles to what it compiled to then, comments and layout aside: its result is the same."
    return _VERDICTS[found.comparison.verdict]


def _print_parts(console: Console, found: Explained) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    table.add_column("part", no_wrap=True, overflow="ellipsis")
    table.add_column("now", no_wrap=True, min_width=_SHOWN)
    table.add_column("then", no_wrap=True, min_width=_SHOWN)
    table.add_column("where", no_wrap=True, overflow="ellipsis")
    many = [part for part in found.parts if part.name.startswith(_MANY)]
    same = [part for part in many if part.now == part.then and part.is_read]
    unread = [part for part in many if not part.is_read]
    shown = sorted(
        (part for part in found.parts if part not in (*same, *unread)), key=lambda part: part.now == part.then
    )
    for part in shown:
        changed = found.last_success is not None and part.now != part.then
        table.add_row(
            part.words,
            _short(part.now) if part.is_read else "?",
            _short(part.then),
            part.place,
            style=_style(part, changed=changed),
        )
    print_wide(console, table)
    if same:
        line = f"{len(same):,} settings of the database and the profile are the same."
        console.print(Text(line, style="dim"), soft_wrap=True)
    if unread:
        console.print(Text(f"{len(unread):,} settings of the database were not read.", style="dim"), soft_wrap=True)


def _style(part: PartLine, *, changed: bool) -> str:
    return "dim" if part.now is None else "yellow" if changed else ""


def _short(digest: str | None) -> str:
    """Return the beginning of a digest; for a parent the beginnings of both halves: its definition and its content."""
    if digest is None:
        return "-"
    half = len(digest) // 2
    return digest[:_SHOWN] if half < _HALF else f"{digest[: _SHOWN // 2]}{digest[half : half + _SHOWN // 2]}"


def _finding(found: Finding | None) -> dict[str, object] | None:
    return None if found is None else {"what": found.what, "path": found.path, "line": found.line or None}


def _moment(at: datetime | None) -> str:
    return f"{shown_moment(at, seconds=True)}, " if at is not None else ""
