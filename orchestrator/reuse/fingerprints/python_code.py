"""Reads a Python model: what gives it another result each time, and its code without comments and layout.

What it imports is not looked into: a change in a module beside it is not seen.
"""

import ast
from collections.abc import Iterator

from orchestrator.reuse.fingerprints.reading import NOTHING, Reading

_MODULES = frozenset(
    {
        *("random", "secrets", "requests", "httpx", "urllib", "urllib3", "aiohttp", "http", "socket", "ftplib"),
        *("paramiko", "boto3", "s3fs", "gcsfs", "fsspec", "subprocess", "time"),
    }
)
_CALLED = frozenset(
    {
        *("now", "utcnow", "today", "uuid1", "uuid4", "urandom", "getenv", "environ", "random", "randint", "rand"),
        *("randn", "default_rng", "shuffle", "sample", "open", "read_csv", "read_parquet", "read_json", "read_excel"),
        *("read_sql", "read_sql_query", "read_table", "read_text", "read_bytes", "urlopen"),
    }
)


def read_python(code: str) -> Reading:
    """Read a Python model; one that cannot be read is taken to differ each time."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return Reading(volatile=(("code that is no Python", 1),))
    found = tuple(sorted(_unsteady(tree), key=lambda one: one[1]))
    return Reading(volatile=found) if found else NOTHING


def normal_python(code: str) -> str:
    """Write Python without its comments and its layout; what is no Python stays as it is."""
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError):
        return code


def _unsteady(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((f"import {one.name}", node.lineno) for one in node.names if _is_outside(one.name))
            case ast.ImportFrom() if _is_outside(node.module or ""):
                yield f"from {node.module} import …", node.lineno
            case ast.Attribute() if node.attr in _CALLED:
                yield node.attr, node.lineno
            case ast.Name() if node.id in _CALLED:
                yield node.id, node.lineno
            case _:
                pass


def _is_outside(module: str) -> bool:
    return module.partition(".")[0] in _MODULES
