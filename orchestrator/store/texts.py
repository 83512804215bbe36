"""Plans and manifests: compressed, and kept once however many runs have the same."""

import hashlib
import zlib

from sqlalchemy import Connection, insert, select

from orchestrator.store.tables import texts


def keep_text(connection: Connection, kind: str, content: bytes) -> str:
    """Keep a text unless it is there, and give the digest that it is found by."""
    digest = hashlib.sha256(content).hexdigest()
    if connection.execute(select(texts.c.digest).where(texts.c.digest == digest)).first() is None:
        compressed = zlib.compress(content, level=1)
        connection.execute(insert(texts), {"digest": digest, "kind": kind, "compressed": compressed})
    return digest


def read_text(connection: Connection, digest: str) -> bytes:
    """Give a text that was kept."""
    return zlib.decompress(connection.execute(select(texts.c.compressed).where(texts.c.digest == digest)).scalar_one())
