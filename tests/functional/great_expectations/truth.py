"""One small table, and what every core expectation of great-expectations must say of it, computed by hand."""

from dataclasses import dataclass, field

TABLE = """
create table facts as
select * from (values
    (1, 1,    'ant', 'a1',  'Ab', date '2013-01-01', timestamp '2013-01-01 00:00', 1.10, true,  5, 4, 1, 10.0, 'x'),
    (2, 2,    'bee', 'a1',  'Cd', date '2013-01-02', timestamp '2013-01-01 12:00', 2.20, true,  5, 3, 2, 11.0, 'x'),
    (3, 3,    'cat', 'b2',  'Ef', date '2013-01-03', timestamp '2013-01-02 00:00', 3.30, true,  5, 2, 3, 10.0, 'x'),
    (4, 4,    'dog', 'b22', 'Gh', date '2013-01-04', timestamp '2013-01-02 12:00', 4.40, true,  5, 1, 4, 11.0, 'y'),
    (5, 5,    'eel', 'c',   'Ij', date '2013-01-05', timestamp '2013-01-03 00:00', 5.50, false, 6, 4, 0, 10.0, 'y'),
    (6, 6,    'fox', 'c_3', 'Kl', date '2013-01-06', timestamp '2013-01-03 12:00', 6.60, false, 6, 3, 1, 11.0, 'y'),
    (7, 7,    'gnu', '50%', 'Mn', date '2013-01-07', timestamp '2013-01-04 00:00', 7.70, false, 6, 2, 2, 10.0, 'z'),
    (8, null, null,  null,  null, null,              null,                         null, null,  6, 1, 3, 1000, 'z')
) as t (id, n, word, code, name, day, moment, price, flag, a, b, c, spike, kind)
"""
# n: 1..7 and a null: sum 28, mean 4, median 4, sample deviation sqrt(28/6) = 2.1602, quartiles (disc) 2, 4, 6
# price: decimal(10,2), 1.10..7.70: sum 30.80, mean and median 4.40
# a + b + c is always 10; a > b always; b > c in rows 1, 2, 5, 6, equal in row 7; rows 3, 4 and 8 have b < c
# code: a1 twice, five others once, one null; word and name: seven different ones, one null
# kind: x three times, y three times, z twice; spike: seven of 10 or 11, one of 1000
TYPES = """
create table "Odd ""types" as select
    1::tinyint as tiny, 2::bigint as big, 1.5::decimal(10, 2) as money, 1.5::double as real8, 1.5::float as real4,
    'x' as word, date '2013-01-01' as day, timestamp '2013-01-01 00:00' as moment,
    timestamptz '2013-01-01 00:00:00+00' as zoned,
    [1, 2] as list, {'k': 1} as record, uuid() as "The Id", 'b'::blob as bytes, '{}'::json as doc, 1 as "select"
"""

FURTHER = """
create table other as select range as k from range(8);
create table four as select range as k from range(4);
create table empty as select * from facts limit 0;
create schema "My Schema";
create view "My Schema"."The ""Facts"" View" as select * from facts;
"""

ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One expectation and what it must say: yes, no, or that it cannot be evaluated."""

    type: str
    kwargs: dict[str, object] = field(default_factory=dict)
    says: bool | str
    unexpected: int | None = None
    observed: object = None

    def __str__(self) -> str:
        return f"{self.type}({', '.join(f'{k}={v}' for k, v in self.kwargs.items())})"


def yes(type_: str, /, **kwargs: object) -> Case:
    """The data agree."""
    return Case(type=f"expect_{type_}", kwargs=kwargs, says=True)


def no(type_: str, /, **kwargs: object) -> Case:
    """The data disagree; `_unexpected` is how many rows, `_observed` what was seen."""
    unexpected, observed = kwargs.pop("_unexpected", None), kwargs.pop("_observed", None)
    return Case(type=f"expect_{type_}", kwargs=kwargs, says=False, unexpected=unexpected, observed=observed)


def cannot(type_: str, /, **kwargs: object) -> Case:
    """It cannot be evaluated."""
    return Case(type=f"expect_{type_}", kwargs=kwargs, says=ERROR)


def legacy(text: str) -> dict[str, object]:
    """A condition on rows in the older form, which is text."""
    return {"row_condition": text, "condition_parser": "great_expectations"}


def where(column: str, operator: str, value: object) -> dict[str, object]:
    """A condition on rows as great-expectations writes it to JSON."""
    return {
        "type": "comparison",
        "column": {"name": column},
        "operator": operator,
        "parameter": value,
    }
