"""What a child prints is written without secrets, however it is cut on its way."""

import os
from pathlib import Path

import pytest

from orchestrator.adapters.children.child_output import ChildOutput
from orchestrator.masking import Masker

SECRET = "sesame-of-the-forty-thieves"


def written(log: Path, *pieces: bytes) -> str:
    """Print the pieces, and return what the log has then."""
    masker = Masker()
    masker.learn([SECRET])
    reads, writes = os.pipe()
    output = ChildOutput(reads, log, masker.text)
    for piece in pieces:
        left = memoryview(piece)
        while left:
            left = left[os.write(writes, left) :]
    os.close(writes)
    kept = output.finish()
    text = log.read_text()
    assert text.endswith(kept)
    return text


@pytest.mark.parametrize("before", [0, 100, 61_000, 61_430, 61_440, 65_520, 65_530, 65_536, 65_537, 131_060, 200_000])
def test_a_secret_in_a_line_of_any_length_is_masked(tmp_path: Path, before: int) -> None:
    """A long line is written in pieces, but not cut inside a secret."""
    line = "x " * (before // 2) + SECRET + " y" * 40_000 + "\n"
    assert written(tmp_path / "log", line.encode()) == line.replace(SECRET, "*****")


def test_a_secret_that_arrives_in_pieces_is_masked(tmp_path: Path) -> None:
    """Also at the end of output without a line break."""
    assert written(tmp_path / "log", b"it is ", SECRET[:9].encode(), SECRET[9:].encode()) == "it is *****"


def test_a_character_that_arrives_in_pieces_is_kept(tmp_path: Path) -> None:
    """The output is bytes; a character may be divided between two of them."""
    line = "é" * 100_001 + "\n"
    assert written(tmp_path / "log", line.encode()[:33_333], line.encode()[33_333:]) == line


def test_a_log_has_an_end(tmp_path: Path) -> None:
    """What is kept for the record is the end of the output all the same, and all of it is read."""
    reads, writes = os.pipe()
    output = ChildOutput(reads, tmp_path / "log", Masker().text)
    with os.fdopen(writes, "wb") as end:
        for number in range(12):
            end.write(f"{number}\n".encode() + b"x" * 999_997 + b"\n")
        end.write(b"last words\n")
    kept = output.finish()
    text = (tmp_path / "log").read_text()
    assert text.endswith("\nelt: the rest of the output is not written here, because it is longer than 10 MB.\n")
    assert len(text) == 10_000_000 + 83
    assert kept.endswith("x\nlast words\n")


def test_a_flood_is_read_to_its_end_and_only_what_is_kept_of_it_is_masked(tmp_path):
    """100 MB took 26 s: the masker sees the 10 MB that are written and the end, wherever a secret is divided."""
    masker, masked = Masker(), []
    masker.learn([SECRET])

    def mask(text: str) -> str:
        masked.append(len(text))
        return masker.text(text)

    reads, writes = os.pipe()
    output = ChildOutput(reads, tmp_path / "log", mask)
    line = f"the key is {SECRET}\n".encode() * 3
    for _ in range(60_000_000 // len(line) // 100):
        os.write(writes, (line * 100)[:-7])  # the pieces end within a line
        os.write(writes, (line * 100)[-7:])
    os.write(writes, b"the end\n")
    os.close(writes)
    output._thread.join(60)
    kept = output.finish()
    assert kept.endswith("the key is *****\nthe end\n")
    assert len(kept) == 16_000
    assert SECRET[:4] not in kept
    assert SECRET[:4] not in (tmp_path / "log").read_text()
    assert sum(masked) < 25_000_000


def test_a_secret_that_is_cut_where_a_flood_is_cut_stays_hidden():
    """Without any line end, and without a log."""
    masker = Masker()
    masker.learn([SECRET])
    for offset in range(len(SECRET)):
        reads, writes = os.pipe()
        output = ChildOutput(reads, None, masker.text)
        flood = b"x" * offset + SECRET.encode() * 40_000
        left = memoryview(flood)
        while left:
            left = left[os.write(writes, left) :]
        os.close(writes)
        kept = output.finish()
        assert len(kept) == 16_000
        assert set(kept) == {"*"}
