"""Hooks outside of the transaction: before them dbt commits, and may take a transaction for open that is not."""

from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.adapters.contents import Built
from orchestrator.adapters.postgres.postgres_built import content_in_postgres, in_transaction
from orchestrator.nodes.identity import Relation
from orchestrator.plan.status import Status
from tests.functional.postgres.server import Server
from tests.functional.postgres.test_two_runs import desk, what_ran

pytestmark = pytest.mark.functional
CONFIG = {
    "table": "materialized='table'",
    "view": "materialized='view'",
    "appended": "materialized='incremental', incremental_strategy='append'",
    "merged": "materialized='incremental', incremental_strategy='merge', unique_key='n'",
}
BEFORE = "pre_hook={'sql': \"set lock_timeout = '9s'\", 'transaction': false}"
ASKING = "{% set asked = run_query('select 1') if execute %}"


@pytest.mark.parametrize("asking", ["", ASKING], ids=["alone", "after a query"])
def test_a_build_with_a_hook_outside_the_transaction_succeeds(
    tmp_path: Path, server: Server, new_database, asking: str
) -> None:
    """First builds and those over what exists; the marker has the content, and is whole only if it is atomic."""
    one = desk(tmp_path / "one", server, new_database())
    for name, config in CONFIG.items():
        one.write({f"models/{name}.sql": f"{{{{ config({config}, {BEFORE}) }}}} {asking} select 1 as n"})
    for options in ({}, {"skip_unchanged": False}):
        ran = one.run("ada", *CONFIG, **options)
        assert {outcome.status for outcome in ran.outcomes} == {Status.SUCCESS}, what_ran(ran)
    marked = one.rows("select split_part(step_id, '.', 3), is_whole, content from _elt.standing order by sequence")
    assert sorted(name for name, _, _ in marked) == sorted([*CONFIG, *CONFIG])
    assert all(content for _, _, content in marked)
    # the rows were committed before the marker was written
    assert not any(is_whole for _, is_whole, _ in marked)
    assert what_ran(one.run("ada", "view", "table")) == {}


def test_a_hook_inside_the_transaction_leaves_the_marker_complete(tmp_path: Path, server: Server, new_database) -> None:
    """Nothing ends the transaction: rows and marker are committed together."""
    one = desk(tmp_path / "one", server, new_database())
    for name, config in CONFIG.items():
        before = BEFORE.replace("false", "true")
        one.write({f"models/{name}.sql": f"{{{{ config({config}, {before}) }}}} {ASKING} select 1 as n"})
    assert one.run("ada", *CONFIG).exit_code == 0
    assert one.rows("select count(*), bool_and(is_whole) from _elt.standing") == [(len(CONFIG), True)]


@pytest.mark.parametrize("begin", ["begin", "commit"])
def test_unreadable_contents_do_no_harm(server: Server, new_database, begin: str) -> None:
    """In a transaction and outside of one: nothing is known of the content, and the connection goes on as before."""
    database = new_database()
    server.rows("create table large as select n from generate_series(1, 300000) n", database)
    built = Built(
        relation=Relation(database=database, schema="public", identifier="large"),
        is_table=True,
        writes_file=False,
        most_rows=1_000_000,
    )
    with closing(server.connect(database)) as handle, handle.cursor() as cursor:
        cursor.execute(begin)
        was_in_transaction = in_transaction(handle)
        cursor.execute("set statement_timeout = '20ms'")
        assert content_in_postgres(handle, built) is None
        assert in_transaction(handle) is was_in_transaction
        cursor.execute("set statement_timeout = 0")
        assert content_in_postgres(handle, built) is not None
        assert in_transaction(handle) is was_in_transaction
