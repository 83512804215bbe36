"""Reads the functions and settings of a PostgreSQL database."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from orchestrator.adapters.sql_words import literal
from orchestrator.reuse.facts import StoredFunction

FUNCTIONS = """
select lower(p.proname), p.proretset,
    case when l.lanname = 'sql' and p.prokind <> 'a' and d.objid is null then pg_get_functiondef(p.oid) end
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
left join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_temp\\_%'
    and (d.objid is null or p.provolatile <> 'i')
union all
select lower(t.typname), false, null
from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_class c on c.oid = t.typrelid
where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and t.typelem = 0
    and (c.oid is null or c.relkind = 'c')
union all
select lower(l.collname), false, null
from pg_catalog.pg_collation l join pg_catalog.pg_namespace n on n.oid = l.collnamespace
where n.nspname not in ('pg_catalog', 'information_schema')
order by 1, 3
"""
"""Immutable functions of an extension are excluded: the `replace` of `citext`, for example, is as pure as PostgreSQL's
own."""

_BODY = re.compile(r"\nAS (?P<tag>\$\w*\$)(?P<sql>.*)(?P=tag)", re.DOTALL)
_PARAMETER = re.compile(r"\$(\d+)")

_WITH_EFFECT = (
    # how times, intervals and numbers are read from text, written as text and compared
    "TimeZone",
    "timezone_abbreviations",
    "DateStyle",
    "IntervalStyle",
    "extra_float_digits",
    "bytea_output",
    "xmlbinary",
    "xmloption",
    # locale: money, names of days and months, numbers in to_char, upper case and text order
    "lc_collate",
    "lc_ctype",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "default_text_search_config",
    # how SQL is read
    "search_path",
    "standard_conforming_strings",
    "backslash_quote",
    "array_nulls",
    "transform_null_equals",
    "quote_all_identifiers",
    "escape_string_warning",
    "plpgsql.variable_conflict",
    # which rows a user sees
    "row_security",
    # the server
    "server_version",
    "server_encoding",
    "client_encoding",
)
"""Lists the settings that count, since most of PostgreSQL's 350 settings affect resources and plans, and few affect
values. Results must not depend on random numbers, statistics, or the order of rows without ORDER BY."""

SETTINGS = (
    "select name, setting from pg_catalog.pg_settings"  # noqa: S608  # literals
    f" where lower(name) in ({', '.join(literal(name.lower()) for name in _WITH_EFFECT)})"
    " union all select 'current_user', current_user::text"
    " union all select 'lc_collate', datcollate from pg_catalog.pg_database where datname = current_database()"
    " and not exists (select from pg_catalog.pg_settings where name = 'lc_collate')"
    " union all select 'lc_ctype', datctype from pg_catalog.pg_database where datname = current_database()"
    " and not exists (select from pg_catalog.pg_settings where name = 'lc_ctype')"
    " order by 1"
)
"""Since PostgreSQL 16 the collation is no longer a setting but a property of the database."""


def stored_functions(rows: Iterable[Sequence[object]]) -> dict[str, StoredFunction]:
    """Convert the answer to FUNCTIONS: all overloads of a name in all schemas are one function."""
    texts: dict[str, list[str | None]] = defaultdict(list)
    sets = set()
    for name, returns_set, definition in rows:
        texts[str(name)].append(None if definition is None else str(definition))
        if returns_set:
            sets.add(str(name))
    return {
        name: StoredFunction(
            definition=None if None in found else "\n".join(text for text in found if text is not None),
            is_table=name in sets,
            bodies=_bodies(found),
        )
        for name, found in texts.items()
    }


def _bodies(definitions: Iterable[str | None]) -> tuple[str, ...]:
    """Return the bodies of SQL functions, with names for numbered parameters; empty if one has another form."""
    found = [_BODY.search(definition) if definition is not None else None for definition in definitions]
    if None in found:
        return ()
    return tuple(_PARAMETER.sub(r"parameter_\1", body["sql"]) for body in found if body is not None)
