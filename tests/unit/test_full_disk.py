"""A full disk is recognised in every tool's words, and named."""

import errno
from pathlib import Path

import pytest

from orchestrator.full_disk import full_disk_error, full_disk_sentence, is_full_disk


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ('IO Error: Could not write file "/data/shop.duckdb": No space left on device', "/data/shop.duckdb"),
        ("[Errno 28] No space left on device: '/data/target/manifest.json'", "/data/target/manifest.json"),
        ("File \"/usr/lib/dlt.py\", line 3, in load\nIO Error: '/data/a.wal': Disk quota exceeded", "/data/a.wal"),
    ],
)
def test_the_file_named_by_a_message_identifies_the_disk(message, place):
    assert full_disk_sentence(message) == f"The disk that holds {place} is full."


def test_a_file_that_postgresql_reads_is_on_the_server():
    said = 'could not extend file "base/16384/2619": No space left on device'
    assert full_disk_sentence(said) == "The disk of the database server is full."


def test_without_a_file_the_fullest_folder_is_named(tmp_path):
    """A folder that does not exist yet is on the disk of the folder that will hold it."""
    assert full_disk_sentence("database or disk is full", [tmp_path / "later"]) == (
        f"The disk that holds {tmp_path} is full."
    )
    assert full_disk_sentence("database or disk is full") == "A disk is full."


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_found_behind_other_errors(number):
    inner, outer = OSError(number, "full", "/data/x"), RuntimeError("the load went wrong")
    outer.__cause__ = inner
    assert is_full_disk(outer)
    assert full_disk_error(outer, []).message == "The disk that holds /data/x is full."


def test_other_errors_are_not_mistaken_for_a_full_disk():
    assert not is_full_disk(OSError(errno.EACCES, "Permission denied", "/data/x"))
    assert not is_full_disk(ValueError("the disk is round"))


def test_a_circular_chain_of_causes_ends():
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert not is_full_disk(one)
    assert full_disk_sentence("a", [Path("/")]) == "The disk that holds / is full."
