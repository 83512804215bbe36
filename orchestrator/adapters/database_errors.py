"""Recognizes transient errors of DuckDB and PostgreSQL by their messages.

Every tool passes a database's error on as text, wrapped in text of its own; docs/repeats.md has the table.
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


def may_pass(message: str) -> bool:
    """Return whether a database's error may be gone at the next attempt."""
    return _PASSING.search(message) is not None
