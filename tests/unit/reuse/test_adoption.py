"""The decision for each node, and what a run of plain dbt shows as a whole: pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adoption.dbt_run import (
    DbtNodeRun,
    FileTimes,
    Read,
    asked_of_environment,
    file_doubt,
    may_write_elsewhere,
    outside_of,
    run_refusal,
    writes,
)
from orchestrator.adoption.ruling import Evidence, RulingAct, Terms, decide
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.definition import Definition
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.nodes.run_results import DbtResult, DbtRun
from orchestrator.reuse.facts import TABLE, VIEW, Content
from orchestrator.reuse.fingerprints.value import Finding, Fingerprint, StatementVerdict

START = datetime(2026, 3, 1, 2, tzinfo=UTC)
ID = NodeId("model.shop.a")
OTHER = NodeId("model.shop.b")


def at(seconds: float) -> datetime:
    """Return a moment after the start of the run."""
    return START + timedelta(seconds=seconds)


def a_result(node=ID, status="success", **known) -> DbtResult:
    values = {"compiled_code": "select 1", "relation_name": "a", "started_at": at(10), "ended_at": at(11), **known}
    return DbtResult(unique_id=node, status=status, **values)


def a_run(*results, command="build", **args) -> DbtRun:
    return DbtRun(
        invocation_id="i",
        dbt_version="1.11.16",
        command=command,
        args=args,
        started_at=START,
        ended_at=at(20),
        results={result.unique_id: result for result in results or (a_result(),)},
    )


def a_node(kind=ResourceType.MODEL, materialized="table", code="select 1", node=ID, **config) -> DbtNode:
    return DbtNode(
        unique_id=node,
        name="a",
        resource_type=kind,
        package="shop",
        path="models/a.sql",
        placed=None if kind is ResourceType.TEST else Relation(database="d", schema="s", identifier="a"),
        materialized=materialized,
        definition=Definition(raw_code=code, config=config),
    )


def a_print(rendered=None, built=None, **known) -> Fingerprint:
    return Fingerprint(node=ID, rendered=rendered or {"code": "1"}, built=built or {"config:alias": "1"}, **known)


def content(rows="1:1", kind=TABLE, **known) -> Content:
    return Content(kind=kind, columns="c", rows=rows, dlt_columns="", count=1, **known)


def evidence(**known) -> Evidence:
    print_now = known.pop("now", a_print())
    values = {
        "node": a_node(),
        "result": a_result(),
        "relation_name": "a",
        "then": a_print(),
        "made": a_print(),
        "codes": ("select 1",),
        "content": content(),
        **known,
    }
    return Evidence(now=print_now, **values)


TERMS = Terms(run=a_run(), project="shop")
FINDING = Finding(what="now()", path="models/a.sql", line=3)

REFUSED = {
    "that run did not contain it": {"result": None},
    "it ended as error in that run": {"result": a_result(status="error")},
    "it ended as partial success in that run": {"result": a_result(status="partial success")},
    "it ended as skipped in that run": {"result": a_result(status="skipped")},
    "some of its batches failed in that run": {"result": a_result(record={"batch_results": {"failed": [1]}})},
    "that run built b, and it is a now": {"result": a_result(relation_name="b")},
    "s.a does not exist": {"content": None},
    "it was found to differ from what it builds to": {"is_doubted": True},
    "the manifest of that run does not have it": {"then": None},
    "changed since that run: config alias": {"then": a_print(built={"config:alias": "2"})},
    "changed since that run: hook post-hook": {"now": a_print(built={"config:alias": "1", "hook:post-hook": "1"})},
    "what it was compiled to, or would be now, is not known": {"result": a_result(compiled_code=None)},
    "it compiles to something else than in that run": {"codes": ("select 2",)},
    "it compiles to something else than in that run (changed: code)": {
        "codes": ("select 2",),
        "then": a_print(rendered={"code": "2"}),
    },
    "volatile: now() (models/a.sql:3)": {"made": a_print(volatile=FINDING)},
    "not understood: now() (models/a.sql:3)": {"made": a_print(not_understood=(FINDING,))},
    "the rows of ext.t may have changed: too many": {
        "made": a_print(unknown=frozenset({NodeId("source.shop.ext.t")})),
        "unversioned": {NodeId("source.shop.ext.t"): "too many"},
    },
    "f() is not understood": {"why_statement": "f() is not understood"},
    "its parent b is not adopted": {"open_parents": (OTHER,)},
    "its rows cannot be recorded: too large": {"content": content(rows=None, why_not="too large")},
    "the artifacts do not show whether env HOME was the same": {
        "now": a_print(built={"config:alias": "1", "env:HOME": "1"}),
        "then": a_print(built={"config:alias": "1", "env:HOME": "1"}),
    },
    "the artifacts do not show whether target was the same": {
        "now": a_print(built={"config:alias": "1", "target": "1"}),
        "then": a_print(built={"config:alias": "1", "target": "1"}),
    },
    "d2.s is elsewhere": {"outside": "d2.s is elsewhere"},
    "what the materialization external leaves may be outside of the database file": {
        "node": a_node(materialized="external")
    },
}


def test_relations_proven_in_every_respect_are_adopted():
    """Nothing speaks against it."""
    assert decide(evidence(), TERMS).act is RulingAct.ADOPT


@pytest.mark.parametrize("reason", REFUSED)
def test_each_failed_condition_is_a_reason(reason):
    """One is enough, and it is named."""
    ruling = decide(evidence(**REFUSED[reason]), TERMS)
    assert (ruling.act, ruling.reason) == (RulingAct.REFUSE, reason)


@given(st.sampled_from(sorted(REFUSED)), st.sampled_from(sorted(REFUSED)), st.booleans(), st.booleans())
def test_a_second_doubt_does_not_remove_the_first(one, other, can_compare, verify):
    """Whatever is doubted besides, and whatever may be compared: it is never adopted without a comparison."""
    found = evidence(**{**REFUSED[one], **REFUSED[other], "can_compare": can_compare})
    assert decide(found, replace(TERMS, verify=verify)).act in {RulingAct.REFUSE, RulingAct.COMPARE}


@pytest.mark.parametrize("kind", ["var", "env", "flag"])
def test_differences_visible_in_the_compiled_code_are_decided_by_it(kind):
    """A part that only the SQL has differs there if it differs at all."""
    parts = {"code": "1", f"{kind}:x": "1"}
    assert decide(evidence(now=a_print(rendered=parts), then=a_print(rendered=parts)), TERMS).act is RulingAct.ADOPT


def test_vars_beside_the_sql_are_shown_by_the_file_of_the_project_alone():
    """Not for a package, and not when the file may have been edited, or the command line had others."""
    parts = {"config:alias": "1", "var:x": "1"}
    found = evidence(now=a_print(built=parts), then=a_print(built=parts))
    assert decide(found, TERMS).act is RulingAct.ADOPT
    assert decide(found, replace(TERMS, file_doubt="edited")).act is RulingAct.REFUSE
    assert decide(found, replace(TERMS, vars_are_same=False)).act is RulingAct.REFUSE
    assert decide(replace(found, node=replace(found.node, package="other")), TERMS).act is RulingAct.REFUSE


@pytest.mark.parametrize(
    ("then", "now", "act"),
    [
        ({}, "False", RulingAct.ADOPT),
        ({}, "None", RulingAct.ADOPT),
        ({}, "True", RulingAct.REFUSE),
        ({"full_refresh": True}, "False", RulingAct.REFUSE),
        ({"full_refresh": False}, "False", RulingAct.ADOPT),
    ],
)
def test_a_flag_is_shown_with_the_arguments_of_the_run(then, now, act):
    """dbt omits those that are unset."""
    parts = {"config:alias": "1", "flag:FULL_REFRESH": "1"}
    found = evidence(now=a_print(built=parts), then=a_print(built=parts))
    terms = replace(TERMS, run=a_run(**then), flags={"FULL_REFRESH": now})
    assert decide(found, terms).act is act


def test_a_seed_is_compared_always_and_a_view_where_the_file_proves_nothing():
    """A seed's file may have been edited since; a view has no rows that could have been."""
    seed = evidence(node=a_node(ResourceType.SEED, "seed"), can_compare=True, result=a_result(compiled_code=None))
    view = evidence(node=a_node(materialized="view"), can_compare=True, content=content(None, VIEW))
    doubt = replace(TERMS, file_doubt="written since")
    assert [decide(one, TERMS).act for one in (seed, view)] == [RulingAct.COMPARE, RulingAct.ADOPT]
    assert [decide(one, doubt).act for one in (seed, view)] == [RulingAct.COMPARE, RulingAct.COMPARE]
    assert decide(replace(seed, can_compare=False), TERMS).act is RulingAct.REFUSE


def test_a_table_is_compared_if_that_is_asked_for():
    """The reason says that it can be; not of an incremental model, which follows from what was there before."""
    table, doubt = evidence(can_compare=True), replace(TERMS, file_doubt="written since")
    assert decide(table, doubt).reason == "written since; --verify can show that it is equal to a copy"
    assert decide(table, replace(doubt, verify=True)).act is RulingAct.COMPARE
    assert decide(replace(table, can_compare=False), replace(doubt, verify=True)).reason == "written since"


def test_nodes_that_elt_has_recorded_are_left_alone():
    """Whatever the artifacts say."""
    assert decide(evidence(is_known=True, result=None), replace(TERMS, refusal="no")).act is RulingAct.KNOWN


@pytest.mark.parametrize(
    ("status", "act"), [("pass", RulingAct.ADOPT), ("warn", RulingAct.ADOPT), ("fail", RulingAct.REFUSE)]
)
def test_a_test_is_adopted_if_it_passed(status, act):
    """Or warned. One that keeps the rows that fail must have its table."""
    node = a_node(ResourceType.TEST, "test")
    keeps = evidence(node=replace(node, placed=a_node().placed), result=a_result(status=status))
    assert decide(keeps, TERMS).act is act
    assert decide(replace(keeps, content=None), TERMS).act is RulingAct.REFUSE
    found = evidence(node=node, result=a_result(status=status), content=None)
    assert decide(found, TERMS).act is act
    assert decide(found, replace(TERMS, file_doubt="written since", verify=True)).act is RulingAct.REFUSE


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (a_run(command="test"), "that run was `dbt test`"),
        (a_run(command="retry"), "that run was `dbt retry`"),
        (a_run(empty=True), "--empty"),
        (a_run(sample={"start": 1}), "--sample"),
        (a_run(event_time_start="2026-01-01"), "--event-time-start"),
        (a_run(defer=True), "--defer"),
        (a_run(favor_state=True), "--favor-state"),
        (a_run(target="prod"), "of the target prod"),
        (replace(a_run(), dbt_version="1.10.0"), "of dbt 1.10.0"),
    ],
)
def test_a_dbt_run_of_another_kind_is_refused(run, words):
    """Its results are not those of a run of today."""
    assert words in run_refusal(run, dbt_version="1.11.16", adapters=("duckdb", "duckdb"), target="dev")


def test_an_ordinary_run_is_not_refused():
    """With the adapter of now only."""
    run = a_run(empty=False, target="dev")
    assert run_refusal(run, dbt_version="1.11.16", adapters=("duckdb", "duckdb"), target="dev") == ""
    assert run_refusal(run, dbt_version="1.11.16", adapters=("postgres", "duckdb"), target="dev") != ""


@pytest.mark.parametrize(
    ("seconds", "doubt"), [(5, True), (10, False), (20, False), (22.9, False), (23.1, True), (9000, True)]
)
def test_only_a_file_that_the_run_closed_is_proof(seconds, doubt):
    """Not one that was written later, nor one that is older than its last node."""
    assert bool(file_doubt(a_run(), FileTimes(database=at(seconds)))) is doubt


def test_a_profile_or_project_modified_since_is_suspect():
    """Settings of the database, vars and flags may have been others."""
    times = FileTimes(database=at(20), profiles=at(-5), project=at(-5))
    assert file_doubt(a_run(), times) == ""
    assert "profiles.yml" in file_doubt(a_run(), replace(times, profiles=at(1)))
    assert "dbt_project.yml" in file_doubt(a_run(), replace(times, project=at(1)))
    assert "another copy" in file_doubt(a_run(a_result(status="error")), times)


def test_a_setting_that_the_environment_decides_is_named():
    """Not what leads to the database."""
    path, setting = "{{ env_var('PATH') }}", {"threads": "{{ env_var('N') }}"}
    assert asked_of_environment({"type": "duckdb", "path": path, "threads": setting, "settings": {"a": 1}}) == ""
    assert asked_of_environment({"path": path, "settings": setting}) == "settings"
    assert "do not show" in file_doubt(a_run(), FileTimes(database=at(20), unshown="settings"))


@pytest.mark.parametrize(
    "hook",
    [
        "delete from {{ this }} where a < 0",
        "insert into {{this}} select 1",
        "create index i on {{ this }} (a)",
        "grant select on {{ this }} to x",
        "update {{ this }} set updated_at = a",
    ],
)
def test_a_hook_that_changes_its_own_relation_affects_no_other_node(hook):
    """The content that is recorded is that of afterwards."""
    assert (
        may_write_elsewhere(DbtNodeRun(node=a_node(**{"post-hook": [{"sql": hook}]}), made=a_print(), texts=())) == ""
    )


@pytest.mark.parametrize(
    "hook",
    [
        "delete from {{ ref('b') }}",
        "insert into audit select 1",
        "delete from {{ this }}; delete from audit",
        "delete from {{ this }}_audit",
        "delete from {{ this -}} {{ '_audit' }}",
        "update {{ var('table') }} set a = 1",
        "drop table x",
        "truncate other",
    ],
)
def test_a_hook_that_may_change_another_relation_is_named(hook):
    """Then nothing is proven by the time of the file."""
    ran = DbtNodeRun(node=a_node(**{"post-hook": [{"sql": hook}]}), made=a_print(), texts=())
    assert may_write_elsewhere(ran) == "a hook of a"


def test_code_executed_besides_the_nodes_query_counts():
    """A query that is asked while compiling, a macro of a hook, what is not understood, an own materialization."""
    asks = a_print(at_run_time=FINDING)
    assert (
        may_write_elsewhere(DbtNodeRun(node=a_node(), made=asks, texts=("{% set x = run_query('select 1') %}",))) == ""
    )
    assert may_write_elsewhere(DbtNodeRun(node=a_node(), made=asks, texts=("run_query('Insert into b')",))) != ""
    assert may_write_elsewhere(DbtNodeRun(node=a_node(), made=a_print(), texts=(), hook_macros=("drop table b",))) != ""
    assert may_write_elsewhere(DbtNodeRun(node=a_node(), made=a_print(not_understood=(FINDING,)), texts=())) != ""
    assert may_write_elsewhere(DbtNodeRun(node=a_node(materialized="own"), made=a_print(), texts=())) != ""
    assert may_write_elsewhere(DbtNodeRun(node=a_node(ResourceType.FUNCTION), made=a_print(), texts=())) == ""
    assert may_write_elsewhere(DbtNodeRun(node=a_node(ResourceType.METRIC), made=None, texts=())) != ""
    unknown = StatementVerdict(findings=("f(), stored in the database: opaque",))
    ran = DbtNodeRun(node=a_node(), made=a_print(), texts=(), statement=unknown, code="select f()")
    assert may_write_elsewhere(ran) == ""
    assert may_write_elsewhere(replace(ran, code="select 1; insert into b values (1)")) != ""
    read = StatementVerdict(findings=("x.y, which it reads without ref() or source()",))
    assert (
        may_write_elsewhere(DbtNodeRun(node=a_node(), made=a_print(), texts=(), statement=read, code="select 1")) == ""
    )


@pytest.mark.parametrize(
    ("tag", "text", "named"),
    [
        ("on-run-end", "insert into x", True),
        ("on-run-end", "select 1", False),
        ("on-run-start", "insert into x", False),
    ],
)
def test_an_on_run_end_hook_runs_after_every_build(tag, text, named):
    """One at the start comes before."""
    hook = replace(a_node(ResourceType.OPERATION), tags=(tag,))
    assert bool(may_write_elsewhere(DbtNodeRun(node=hook, made=None, texts=(text,)))) is named


@pytest.mark.parametrize("text", ["DROP TABLE x", "adapter.drop_relation(x)", "do $$ begin end $$", "insert\ninto x"])
def test_writing_commands_are_recognized(text):
    """In any case, and as a part of a macro's name."""
    assert writes([text])


@pytest.mark.parametrize("text", ["{% do x.append(1) %}", "select updated_at, is_deleted", "{% call statement() %}"])
def test_words_that_only_look_like_commands_are_not_commands(text):
    """A part of a word, and Jinja's own."""
    assert not writes([text])


def test_relations_that_the_file_does_not_prove_are_named():
    """Another database, a source that is a view, and a source that the same run wrote later."""
    here = Relation(database="D", schema="s", identifier="t")
    there = replace(here, database="e")
    source = Read(node=NodeId("source.shop.s.t"), relation=here, is_source=True, content=content(), writers=(OTHER,))
    early, late = a_result(OTHER, started_at=at(1), ended_at=at(2)), a_result(OTHER, started_at=at(10), ended_at=at(12))

    def outside(relation, *reads, run=None) -> str:
        return outside_of(relation, reads, run or a_run(), a_result(), "d")

    assert outside(here, source, Read(node=OTHER, relation=here)) == ""
    assert outside(here, source, run=a_run(a_result(), early)) == ""
    assert "at the same time or later" in outside(here, source, run=a_run(a_result(), late))
    assert "is in another database" in outside(there)
    assert "is in another database" in outside(here, Read(node=OTHER, relation=there))
    assert "is no table" in outside(here, replace(source, content=content(kind=VIEW)))
