"""What the version of a loaded table must tell apart, in whatever database: statements, and what follows from them."""

from collections.abc import Callable

ROWS = "(1, 'a', '10', 'x'), (2, 'b', '10', 'y'), (2, 'b', '10', 'z')"
CREATE = (
    "drop table if exists raw.t",
    'create table raw.t (id integer, name varchar(20), "_dlt_load_id" varchar(20), "_dlt_id" varchar(20))',
    f"insert into raw.t values {ROWS}",
)
OTHERS: dict[str, tuple[str, bool, bool]] = {
    "another order": (
        "update raw.t set id = id; delete from raw.t where id = 1; insert into raw.t values (1, 'a', '10', 'w')",
        *(True, True),
    ),
    "the same rows in another load": ("update raw.t set _dlt_load_id = '11', _dlt_id = _dlt_id || '2'", True, False),
    "another value": ("update raw.t set name = 'c' where id = 1", False, True),
    "a row more of the same": ("insert into raw.t values (2, 'b', '10', 'v')", False, False),
    "a row less": ("delete from raw.t where id = 1", False, False),
    "values that change places": (
        "update raw.t set name = case name when 'a' then 'b' else 'a' end",
        *(False, True),
    ),
    "a null": ("update raw.t set name = null where id = 1", False, True),
    "a column more": ("alter table raw.t add column extra integer", False, False),
}
"""Each with whether the version of the content, and that of the loads, stays the same."""


def check(ask: Callable[[str], object], version: Callable[[bool], str | None], what: str) -> None:
    """Do it, and look at both versions before and after."""
    statements, *same = OTHERS[what]
    for statement in CREATE:
        ask(statement)
    before = version(False), version(True)
    for statement in statements.split("; "):
        ask(statement)
    after = version(False), version(True)
    assert [one == other for one, other in zip(before, after, strict=True)] == same
    ask("drop table raw.t")
    assert version(False) is None
