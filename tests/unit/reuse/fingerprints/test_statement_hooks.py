"""A hook is understood by its raw text, with a name in the place of each Jinja tag."""

import pytest

from orchestrator.reuse.fingerprints.statement_hooks import read_hook


@pytest.mark.parametrize(
    ("text", "relations"),
    [
        ("grant select on __jinja__ to reporter", set()),
        ("comment on table __jinja__ is 'x'", set()),
        ("analyze __jinja__", set()),
        ("vacuum", set()),
        ("create unique index if not exists i on __jinja__ (a, lower(b))", set()),
        ("set timezone = 'UTC'", set()),
        ("set local work_mem to '1GB'; analyze", set()),
        ("insert into __this__ (a, b) select 1, '__jinja__' from s.t", {("s", "t")}),
        ("insert into __this__ values ('__jinja__', 1) on conflict (a) do update set b = excluded.b", set()),
        ("update __this__ set a = 1 where b in (select c from u join __relation__ using (c))", {("u",)}),
        ("delete from __this__ using u where __this__.a = u.a", {("u",)}),
        ("merge into __this__ as t using s on t.a = s.a when matched then delete", {("s",)}),
        ("create or replace table __this__ as select a from __relation__ join u using (a)", {("u",)}),
        ("select 1;", set()),
        ("", set()),
    ],
)
@pytest.mark.parametrize("adapter", ["duckdb", "postgres"])
def test_a_known_statement_of_known_parts_is_understood(adapter, text, relations):
    """What a hook reads is known; the relation that it only writes is not among that."""
    read = read_hook(text, adapter)
    assert (read.unknown, read.volatile, read.relations) == ((), (), relations)


@pytest.mark.parametrize(
    "text",
    [
        "__jinja__",
        "analyze; __jinja__",
        "insert into __this__ values (now())",
        "insert into __this__ select random() from t",
        "insert into __this__ select a from __jinja__.u",
        "insert into __this__ select a from __jinja__",
        "insert into __this__ select __name__",
        "insert into __this__ select * from read_csv('x.csv')",
        "insert into __this__ select __jinja__(1)",
        "insert into audit values (1)",
        "insert into __relation__ values (1)",
        "update __relation__ set a = 1",
        "delete from __jinja__ where a = 1",
        "create table __relation__ as select 1 as a",
        "insert into s.__this__ values (1)",
        "set x = __jinja__",
        "create index on __jinja__ (a) where b > 1",
        "create index i on __jinja__ (own(a))",
        "create table x (a int)",
        "set x = (select 1)",
        "set x = now()",
        "set search_path = 'a'",
        "set schema = 'a'",
        "drop table x",
        "truncate t",
        "copy t to 'x.csv'",
        "call f()",
        "attach 'x'",
        "install httpfs",
        "alter table __jinja__ add primary key (a)",
        "select setval('s', 1)",
        "select 'x",
    ],
)
@pytest.mark.parametrize("adapter", ["duckdb", "postgres"])
def test_any_other_hook_is_not_understood(adapter, text):
    """Anything else may change what is read, and by what nobody sees."""
    assert not read_hook(text, adapter).is_understood
