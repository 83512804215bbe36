"""Finds in SQL what gives another result each time, or rows that no node of the graph brings."""

import re
from collections.abc import Iterator

_CALLED = (
    *("now", "today", "random", "rand", "random_normal", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "newid"),
    *("nextval", "currval", "lastval", "getdate", "get_current_timestamp", "get_current_time", "clock_timestamp"),
    *("statement_timestamp", "transaction_timestamp", "timeofday", "txid_current", "current_setting", "getvariable"),
    *("uuid_generate_v1", "uuid_generate_v4", "current_localtimestamp", "current_localtime"),
)
_NAMED = ("current_timestamp", "current_date", "current_time", "localtimestamp", "localtime", "sysdate", "systimestamp")
_OUTSIDE = (
    *("read_csv", "read_csv_auto", "read_parquet", "parquet_scan", "read_json", "read_json_auto", "read_ndjson"),
    *("read_ndjson_auto", "read_json_objects", "read_ndjson_objects", "read_text", "read_blob", "read_xlsx", "glob"),
    *("sniff_csv", "sqlite_scan", "postgres_scan", "postgres_query", "mysql_scan", "mysql_query", "iceberg_scan"),
    *("delta_scan", "st_read", "dblink"),
)
_SKIPPED = r"--[^\n]*|/\*.*?\*/|'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"
_WORDS = (
    rf"(?<![\w.])(?P<called>{'|'.join(_CALLED)})\s*\("
    rf"|(?<![\w.])(?P<named>{'|'.join(_NAMED)})(?!\w|\s*\.)"
    r"|(?<!\w)(?P<sample>tablesample|using\s+sample)(?!\w)"
    rf"|(?<![\w.])(?P<outside>{'|'.join(_OUTSIDE)})\s*\("
    r"|(?<!\w)(?:from|join)\s+(?P<file>'(?:''|[^'])+')"
)
_WORD = re.compile(r"\w+")
_FILE = re.compile(r"(?:from|join)\s+'")
_TELLING = frozenset((*_CALLED, *_NAMED, *_OUTSIDE, "tablesample", "sample"))
_MAY_HOLD = re.compile(_WORDS, re.IGNORECASE)
_LEXED = re.compile(f"{_WORDS}|(?P<skipped>{_SKIPPED})|(?P<open>['\"])", re.IGNORECASE | re.DOTALL)


def unsteady(sql: str) -> Iterator[tuple[str, int]]:
    """Give each such place as what it is and its line; names in strings and comments are none."""
    lowered = sql.lower()
    if _TELLING.isdisjoint(_WORD.findall(lowered)) and ("'" not in sql or _FILE.search(lowered) is None):
        return
    matches = list(_LEXED.finditer(sql))
    if any(match.lastgroup == "open" for match in matches):  # a quote that nothing closes: strings cannot be told
        matches = list(_MAY_HOLD.finditer(sql))
    for match in matches:
        told = _told(match)
        if told:
            yield told, 1 + sql.count("\n", 0, match.start())


def _told(match: re.Match[str]) -> str:
    found = match.groupdict()
    if found["called"]:
        return f"{found['called'].lower()}()"
    if found["named"] or found["sample"]:
        return " ".join((found["named"] or found["sample"]).lower().split())
    if found["outside"]:
        return f"{found['outside'].lower()}() reads what no node brings"
    return f"the file {found['file']} is read, which no node brings" if found["file"] else ""
