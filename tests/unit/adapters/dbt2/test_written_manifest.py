"""Only what a parse of dbt 2.x wrote itself is read."""

import os
from pathlib import Path

import pytest

from orchestrator.adapters.dbt2.written_manifest import WrittenManifest
from orchestrator.errors import ManifestError, ParseError

LOG = Path("dbt.log")


def read(path: Path, content: bytes | None, before: bytes | None = None):
    """Return what is read after a parse that wrote this content over another."""
    if before is not None:
        path.write_bytes(before)
    written = WrittenManifest(path)
    if content is not None:
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    return written.read("dbt 2.0.1", LOG)


def test_what_the_parse_wrote_is_returned(tmp_path: Path) -> None:
    """Also in place of an older file with the same content."""
    for before in (None, b"{}", b'{"nodes": {}}'):
        parsed, raw = read(tmp_path / "manifest.json", b'{"nodes": {}}', before)
        assert (parsed.content, raw) == (b'{"nodes": {}}', {"nodes": {}})


@pytest.mark.parametrize("before", [None, b'{"nodes": {}}'])
def test_an_older_manifest_is_not_taken_for_that_of_the_parse(tmp_path: Path, before: bytes | None) -> None:
    """It describes an earlier state of the project."""
    with pytest.raises(ParseError, match="parsed the project, and wrote no") as raised:
        read(tmp_path / "manifest.json", None, before)
    assert "DBT_WRITE_JSON" in raised.value.hint


@pytest.mark.parametrize("content", [b"", b'{"nodes": ', b'{"a": "\xe9"}', b"[" * 100_000, b"null", b"[]"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message names the file."""
    with pytest.raises(ManifestError, match="manifest\\.json") as raised:
        read(tmp_path / "manifest.json", content)
    assert raised.value.hint
