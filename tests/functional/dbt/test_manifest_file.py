"""What a run parsed stays its own, whatever another run of the same folder writes meanwhile."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.adapters.dbt.session import DbtSession
from tests.functional.dbt.sides import copied, dbt, elt

pytestmark = pytest.mark.functional
MOMENTS = {"generated_at", "invocation_id", "invocation_started_at", "run_started_at", "created_at"}


@contextmanager
def parsed(folder: Path, *words: str) -> Iterator[DbtSession]:
    """Parse the project in a session, which is open until the end."""
    session = DbtSession(folder)
    session.open(("build", "--project-dir", str(folder), "--profiles-dir", str(folder), *words))
    try:
        yield session
    finally:
        session.close()


def test_a_session_reads_the_manifest_it_parsed(everything: Path, tmp_path: Path) -> None:
    """Another manifest in its place, half of one, or none at all changes nothing."""
    folder = copied(everything, tmp_path / "elt")
    with parsed(folder) as session:
        manifest = session.parse()
        first = manifest.read()
        written = folder / "target" / "manifest.json"
        assert written.read_bytes() == first
        for other in (b"{}", b"{"):
            (folder / "other").write_bytes(other)
            (folder / "other").replace(written)
            assert manifest.read() == first
        written.unlink()
        assert manifest.read() == first


@pytest.mark.parametrize("name", ["manifest.json", "partial_parse.msgpack", "run_results.json"])
def test_a_reader_sees_a_complete_file_while_another_run_writes(everything: Path, tmp_path: Path, name: str) -> None:
    """A file that is open keeps what it held: each is replaced, not written over."""
    folder = copied(everything, tmp_path / "elt")
    assert elt(folder, select=["talks"]).exit_code == 0
    with (folder / "target" / name).open("rb") as file:
        before = file.read()
        # another length, and so much changed that dbt saves its parse again
        shutil.copy(folder / "models" / "more" / "talks.sql", folder / "models" / "more" / "talks_again.sql")
        assert elt(folder, select=["talks", "talks_again"]).exit_code == 0
        file.seek(0)
        assert file.read() == before
    assert (folder / "target" / name).read_bytes() != before


def test_the_target_folder_holds_what_dbt_writes(everything: Path, tmp_path: Path) -> None:
    """The same files with the same content, and nothing beside them."""
    theirs, ours = (copied(everything, tmp_path / name / "project") for name in ("dbt", "elt"))
    for folder in (theirs, ours):
        shutil.rmtree(folder / "target", ignore_errors=True)
    assert dbt(theirs, "parse").exit_code == 0
    with parsed(ours) as session:
        session.parse()
    assert files(ours) == files(theirs) - {"perf_info.json"}  # which dbt writes in `parse` alone
    for name in ("manifest.json", "semantic_manifest.json"):
        assert content(ours, name) == content(theirs, name)


def files(folder: Path) -> set[str]:
    """Name the files of the target folder."""
    return {path.name for path in (folder / "target").iterdir() if path.is_file()}


def content(folder: Path, name: str) -> object:
    """Read an artifact without what is another in each parse."""
    text = (folder / "target" / name).read_text().replace(str(folder), "project")
    return json.loads(text, object_hook=lambda one: {key: one[key] for key in one.keys() - MOMENTS})


def test_no_manifest_is_left_where_none_may_be_written(everything: Path, tmp_path: Path) -> None:
    """`--no-write-json`: the session reads what it parsed all the same."""
    folder = copied(everything, tmp_path / "elt")
    shutil.rmtree(folder / "target", ignore_errors=True)
    with parsed(folder, "--no-write-json") as session:
        manifest = session.parse()
        assert "model.everything.talks" in json.loads(manifest.read())["nodes"]
        assert not manifest.path.parent.exists()
    assert files(folder) == {"partial_parse.msgpack"}


def test_dbt_reuses_what_a_run_parsed(everything: Path, tmp_path: Path) -> None:
    """The saved parse is dbt's own: its own command takes it up."""
    folder = copied(everything, tmp_path / "elt")
    with parsed(folder) as session:
        session.parse()
    shutil.rmtree(folder / "logs")
    assert dbt(folder, "compile", "--select", "talks").exit_code == 0
    assert "Unable to do partial parsing" not in (folder / "logs" / "dbt.log").read_text()
