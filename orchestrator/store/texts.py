"""Plans, manifests and fingerprints: compressed, and kept once however many runs have the same."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, select

from orchestrator.store.prepared import Prepared, Values
from orchestrator.store.tables import texts

_Text = TypeVar("_Text", bound=str)
_AT_ONCE = 300  # values in one question, which may name each three times; an old SQLite takes a thousand


def keep_texts(connection: Connection, kind: str, contents: Sequence[bytes]) -> list[str]:
    """Keep the texts that are not there, and give for each the digest that it is found by.

    Two runs may keep the same text at the same time.
    """
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    known: set[str] = set()
    for some in in_chunks(sorted(set(digests))):
        known.update(connection.execute(select(texts.c.digest).where(texts.c.digest.in_(some))).scalars())
    new = {digest: content for digest, content in zip(digests, contents, strict=True) if digest not in known}
    if new:
        insertion = Prepared.insert_new(texts, connection.dialect, texts.c.keys(), key=("digest",))
        insertion.run(connection, [text_values(kind, content) for content in new.values()])
    return digests


def text_values(kind: str, content: bytes) -> Values:
    """Give the row of a text."""
    digest = hashlib.sha256(content).hexdigest()
    return {"digest": digest, "kind": kind, "compressed": zlib.compress(content, level=1)}


def keep_text(connection: Connection, kind: str, content: bytes) -> str:
    """Keep one text unless it is there, and give the digest that it is found by."""
    return keep_texts(connection, kind, [content])[0]


def read_text(connection: Connection, digest: str) -> bytes:
    """Give a text that was kept."""
    return zlib.decompress(connection.execute(select(texts.c.compressed).where(texts.c.digest == digest)).scalar_one())


def in_chunks(values: Sequence[_Text]) -> Iterator[list[_Text]]:
    """Give values in lists that are short enough for one question."""
    remaining = iter(values)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
