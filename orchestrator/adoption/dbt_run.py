"""Decides whether the results of a whole run of plain dbt can be used, and what may have written since."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.adoption.ruling import ADOPTABLE
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId, Relation, ResourceType, short_name
from orchestrator.nodes.run_results import DbtResult, DbtRun
from orchestrator.reuse.facts import TABLE, Content
from orchestrator.reuse.fingerprints.config_keys import hooks_of
from orchestrator.reuse.fingerprints.sql_placeholders import THIS
from orchestrator.reuse.fingerprints.template import placeholder_sql, without_call_tags
from orchestrator.reuse.fingerprints.value import Fingerprint, StatementVerdict
from orchestrator.timetable.shown_moment import shown_moment

_BUILDING = frozenset({"build", "run", "seed", "snapshot"})
_LIMITS = {
    "empty": "it built empty relations (--empty)",
    "sample": "it built a sample of the rows (--sample)",
    "event_time_start": "it built a part of the batches (--event-time-start)",
    "event_time_end": "it built a part of the batches (--event-time-end)",
    "defer": "it may have read other relations in place of some (--defer)",
    "favor_state": "it may have read other relations in place of some (--favor-state)",
}
_WRITES = re.compile(
    r"(?<![a-z0-9])(alter|attach|call|copy|create|delete|detach|do(?=\s*\$)|drop|import|insert|merge|nextval|rename|setval"
    r"|truncate|update|upsert)(?![a-z0-9])"
)
"""Words that may begin a statement that changes something, or the name of a macro that runs one."""
_INTO_THIS = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|alter\s+table"
    r"|create\s+(?:unique\s+)?index\s+[^;{]*on)\s+" + THIS
)
_CLOSING = timedelta(seconds=3)
"""dbt closes a DuckDB file when its process ends, which is after it writes its results."""
_INACCURACY = timedelta(seconds=1)
_STOCK = frozenset({"table", "view", "incremental", "ephemeral", "external"})
_NOT_RUN = frozenset({ResourceType.EXPOSURE, ResourceType.SAVED_QUERY, ResourceType.ANALYSIS})
_BY_REF = "which it reads without ref() or source()"


def run_refusal(run: DbtRun, *, dbt_version: str, adapters: tuple[str, str], target: str) -> str:
    """Return why no result of a run can be adopted; `adapters` are the run's adapter and the current one."""
    if run.command not in _BUILDING:
        return f"that run was `dbt {run.command}`: only build, run, seed and snapshot are understood"
    for name, words in _LIMITS.items():
        if run.args.get(name):
            return f"that run cannot be used: {words}"
    if run.dbt_version != dbt_version:  # another version may compile and build differently
        return f"that run was of dbt {run.dbt_version}, and {dbt_version} is installed"
    if adapters[0] != adapters[1]:
        return f"that run was of the adapter {adapters[0]}, and it is {adapters[1]} now"
    if run.args.get("target") not in {None, "", target}:
        return f"that run was of the target {run.args['target']}, and it is {target} now"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTimes:
    """When files were last written, and what in the profile comes from outside of them."""

    database: datetime
    """The later time of the database file and its write-ahead log."""
    profiles: datetime | None = None
    project: datetime | None = None
    unshown: str = ""
    """What in the profile neither the artifacts nor these times show, in words."""


def file_doubt(run: DbtRun, times: FileTimes) -> str:
    """Return why something other than the run may have written to a DuckDB file; empty if nothing did.

    The last writer sets the time of the file when it closes it. If that was the run, no other process has changed the
    file since.
    """
    if times.database > run.ended_at + _CLOSING:
        written, ended = shown_moment(times.database, seconds=True), shown_moment(run.ended_at, seconds=True)
        return f"the database file was written at {written}, after that run had ended at {ended}"
    # The last build wrote to the file at some time after it started; an older file is not the one that it wrote to.
    last = max((one.started_at for one in run.results.values() if _wrote(one) and one.started_at), default=None)
    if last is None or times.database < last - _INACCURACY:
        of = shown_moment(times.database, seconds=True)
        return f"the database file is of {of}, before that run wrote to it: it is another copy"
    for name, moment in (("profiles.yml", times.profiles), ("dbt_project.yml", times.project)):
        if moment is not None and moment > run.started_at:  # the artifacts do not show what it said before
            return f"{name} was written at {shown_moment(moment, seconds=True)}, after that run began"
    return f"the artifacts do not show whether {times.unshown} was the same" if times.unshown else ""


def _wrote(result: DbtResult) -> bool:
    return result.status == "success" and result.unique_id.partition(".")[0] in {"model", "seed", "snapshot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtNodeRun:
    """A node that a run executed, and the texts that it executed."""

    node: DbtNode
    made: Fingerprint | None
    """None if the node has no fingerprint."""
    texts: tuple[str, ...]
    """Its code, and every macro of the project and its packages that it can reach."""
    hook_macros: tuple[str, ...] = ()
    """Every such macro that its hooks can reach."""
    statement: StatementVerdict | None = None
    code: str = ""
    """Its compiled code."""


def may_write_elsewhere(ran: DbtNodeRun) -> str:
    """Return in words why a node of a run may have changed relations of other nodes; empty if it cannot have."""
    node, made = ran.node, ran.made
    if node.resource_type is ResourceType.OPERATION:  # on-run-start runs before every build: its writes do not count
        return f"the hook {node.name}" if "on-run-end" in node.tags and writes(ran.texts) else ""
    if node.resource_type in _NOT_RUN:
        return ""
    if node.resource_type not in {*ADOPTABLE, ResourceType.FUNCTION} or made is None:  # unknown kinds may write
        return short_name(node.unique_id)
    return _in_its_code(ran, made, short_name(node.unique_id))


def _in_its_code(ran: DbtNodeRun, made: Fingerprint, name: str) -> str:
    node = ran.node
    if node.resource_type is ResourceType.MODEL and node.materialized not in _STOCK:
        return f"{name}, which has the materialization {node.materialized}"
    if made.not_understood:
        return f"{name}: {made.not_understood[0]}"
    if any(map(_writes_elsewhere, _hooks(node))) or writes(ran.hook_macros):
        return f"a hook of {name}"
    if (made.at_run_time is not None or made.is_declared) and writes(ran.texts):
        return f"{name}: {made.at_run_time}" if made.at_run_time is not None else name
    found = ran.statement.findings if ran.statement is not None else ()
    unknown = [one for one in found if not one.endswith(_BY_REF)]  # reading another relation writes nothing
    # A DuckDB query cannot change relations of the database, whatever functions it calls.
    return f"{name}: {unknown[0]}" if unknown and writes([ran.code]) else ""


def may_compile(made: Fingerprint, texts: Iterable[str]) -> bool:
    """Return whether a node can be compiled outside of a run: its queries while compiling must not change anything."""
    asks = made.at_run_time is not None or made.is_declared  # compiling it sends queries, or may
    return not made.not_understood and not (asks and writes(texts))


def writes(texts: Iterable[str]) -> bool:
    """Return whether any word in these texts may begin a statement that changes something."""
    return any(_WRITES.search(without_call_tags(text).lower()) for text in texts)


def _writes_elsewhere(hook: str) -> bool:
    """Return whether a hook may change anything other than the relation of its own node."""
    # Each word that writes must belong to a statement that writes to `{{ this }}`.
    return len(_WRITES.findall(hook.lower())) > len(_INTO_THIS.findall(placeholder_sql(hook).lower()))


def _hooks(node: DbtNode) -> Iterator[str]:
    for _, hook in hooks_of(node.definition.config):
        yield str(hook.get("sql")) if isinstance(hook, Mapping) else str(hook)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A dbt source or another node's relation that a node reads."""

    node: NodeId
    relation: Relation
    is_source: bool = False
    is_files: bool = False
    """For a source: whether it is read from files."""
    content: Content | None = None
    """For a source: its content."""
    writers: tuple[NodeId, ...] = ()
    """For a source: the nodes of the project that write its table."""


def outside_of(relation: Relation | None, reads: Iterable[Read], run: DbtRun, result: DbtResult, database: str) -> str:
    """Return why the time of the database file proves nothing about a node or what it reads; empty if it does."""
    if relation is not None and _is_elsewhere(relation, database):
        return f"{relation} is in another database"
    for read in reads:
        if _is_elsewhere(read.relation, database):
            return f"{read.relation}, which it reads, is in another database"
        if not read.is_source:
            continue
        if read.is_files:
            return f"{short_name(read.node)}, which it reads, is files, and the artifacts do not say what they held"
        if read.content is None or read.content.kind != TABLE:
            return f"{read.relation}, which it reads, is no table"
        for writer in read.writers:
            wrote = run.results.get(writer)
            if wrote is not None and not _came_before(wrote, result):  # it may have read the rows from before
                return f"{short_name(writer)} wrote {read.relation}, which it reads, at the same time or later"
    return ""


def _is_elsewhere(relation: Relation, database: str) -> bool:
    return relation.database is not None and relation.database.lower() != database.lower()


def _came_before(one: DbtResult, other: DbtResult) -> bool:
    return one.ended_at is not None and other.started_at is not None and one.ended_at <= other.started_at


_CONNECTING = frozenset(
    {
        *("type", "path", "host", "port", "user", "password", "pass", "token", "motherduck_token"),
        *("database", "dbname", "schema", "threads", "retries", "connect_timeout", "keepalives_idle"),
    }
)


def asked_of_environment(output: Mapping[str, object]) -> str:
    """Return a setting of a target in profiles.yml that comes from the environment; empty if there is none.

    Settings that only locate the database do not count: the relation names and the time of the file show where it was.
    """
    return next((name for name, value in output.items() if name not in _CONNECTING and "env_var" in str(value)), "")
