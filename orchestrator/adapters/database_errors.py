"""Recognizes transient errors of DuckDB and PostgreSQL, by their SQLSTATE or by their messages.

Most tools pass a database's error on as text, wrapped in text of its own; docs/repeats.md has the tables.
"""

import re

DUCKDB = (
    r"[Ww]rite-write conflict",  # two transactions create or alter the same catalog entry
    r"Transaction conflict",  # another transaction changed the rows or the table in the meantime
    r"TransactionContext Error: .*[Cc]onflict",
    r"Could not set lock on file",
    r"Conflicting lock is held",
    r"HTTP Error: .*\b(?:429|5\d\d)\b",
    r"HTTP (?:GET|HEAD|PUT|POST) error .*\b(?:429|5\d\d)\b",
    r"\(HTTP (?:429|5\d\d)\b",
    r"(?:IO|HTTP|Connection) Error: .*[Cc]onnection (?:error|refused|reset|failed|timed out)",
    r"(?:IO|HTTP|Connection) Error: .*[Tt]imeout was reached",
    r"Could not (?:establish connection|connect to server|resolve host)",
)
POSTGRES = (
    r"server closed the connection unexpectedly",
    r"connection to server .* failed: (?:Connection refused|Connection timed out|timeout expired|FATAL: .*starting up)",
    r"could not (?:connect to|receive data from|send data to) server",
    r"Connection (?:refused|reset by peer|timed out)",
    r"SSL connection has been closed unexpectedly",
    r"SSL SYSCALL error",
    r"terminating connection due to (?:administrator command|unexpected postmaster exit|crash of another)",
    r"the database system is (?:starting up|shutting down|in recovery mode|not yet accepting connections)",
    r"could not serialize access",
    r"deadlock detected",
    r"too many (?:clients|connections)",
    r"remaining connection slots are reserved",
    r"canceling statement due to lock timeout",
    r"could not obtain lock on",
    r"tuple concurrently (?:updated|deleted)",
)
_PASSING = re.compile("|".join((*DUCKDB, *POSTGRES)))
_DATA = re.compile(r"\b(?:Conversion|Constraint|Out of Range|Invalid Input) Error:")
"""What DuckDB calls an error of the data; such a message may quote a text of any kind."""
_QUOTED = re.compile(r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)")
"""A name or a value inside a message: it is the user's, and says nothing about the error."""
_DETAILS = re.compile(r"^\s*(?:DETAIL|CONTEXT|HINT|QUERY|LINE \d+):.*$", re.MULTILINE)
"""Lines below the message of PostgreSQL; they repeat statements and rows."""

_STATE_PASSES = re.compile(
    "|".join(
        (
            r"08...",  # connection exception
            r"40(?!002)...",  # transaction rollback: serialization, deadlock; 40002 is a violated constraint
            r"53300",  # too many connections
            r"55006",  # object in use
            r"55P03",  # lock not available
            r"57P0[1235]",  # shutdown by an administrator or after a crash, starting up, idle session ended
        )
    )
)
_STATE_IS_VAGUE = re.compile("XX...")
"""Internal errors: their message decides."""


def may_pass(message: str) -> bool:
    """Return whether a database's error may be gone at the next attempt."""
    if _DATA.search(message):
        return False
    return _PASSING.search(_QUOTED.sub("''", _DETAILS.sub("", message))) is not None


def state_may_pass(sqlstate: str) -> bool | None:
    """Return whether an error of PostgreSQL may be gone at the next attempt; None if its SQLSTATE does not tell."""
    return None if _STATE_IS_VAGUE.fullmatch(sqlstate) else _STATE_PASSES.fullmatch(sqlstate) is not None
