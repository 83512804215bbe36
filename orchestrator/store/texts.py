"""Stores plans, manifests and fingerprints: compressed, and once even if many runs share them."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, select

from orchestrator.store.prepared import Prepared, Values
from orchestrator.store.tables import texts

_Text = TypeVar("_Text", bound=str)
_AT_ONCE = 300  # values per query, which may use each three times; an old SQLite allows a thousand parameters


def keep_texts(connection: Connection, kind: str, contents: Sequence[bytes]) -> list[str]:
    """Store the texts that do not exist yet, and return the digest of each.

    Two runs may store the same text at the same time.
    """
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    # Looked up first: compressing a large manifest that is stored already would be wasted.
    known: set[str] = set()
    for some in in_chunks(sorted(set(digests))):
        known.update(connection.execute(select(texts.c.digest).where(texts.c.digest.in_(some))).scalars())
    new = {digest: content for digest, content in zip(digests, contents, strict=True) if digest not in known}
    if new:
        insertion = Prepared.insert_new(texts, connection.dialect, texts.c.keys(), key=("digest",))
        insertion.run(connection, [text_values(kind, content) for content in new.values()])
    return digests


def text_values(kind: str, content: bytes) -> Values:
    """Return the row of a text."""
    digest = hashlib.sha256(content).hexdigest()
    return {"digest": digest, "kind": kind, "compressed": zlib.compress(content, level=1)}


def keep_text(connection: Connection, kind: str, content: bytes) -> str:
    """Store a text if it does not exist yet, and return its digest."""
    return keep_texts(connection, kind, [content])[0]


def read_text(connection: Connection, digest: str) -> bytes:
    """Return a stored text."""
    return zlib.decompress(connection.execute(select(texts.c.compressed).where(texts.c.digest == digest)).scalar_one())


def in_chunks(values: Sequence[_Text]) -> Iterator[list[_Text]]:
    """Yield the values in lists that are short enough for one query."""
    remaining = iter(values)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
