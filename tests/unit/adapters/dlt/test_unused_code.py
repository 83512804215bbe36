"""dlt code that elt does not load is found by its text, near the project, and nowhere else."""

import os
import time

import pytest

from orchestrator.adapters.dlt.unused_code import unused_code_note
from orchestrator.config.settings import Settings

CODE = "import dlt\nraise SystemExit('imported')\n"


@pytest.fixture
def repository(tmp_path):
    """A repository with a dbt project in a folder of its own."""
    (tmp_path / ".git").mkdir()
    write(tmp_path, "warehouse/dbt_project.yml", "")
    return tmp_path


def write(root, name, text=CODE):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def note_on(root, unfed=("raw.orders",), *, loads_something=False, project="warehouse", **settings):
    known = Settings(project_root=root, dbt_project_dir=root / project, **settings)
    return unused_code_note(known, list(unfed), loads_something=loads_something)


def test_a_file_beside_the_project_is_named_with_the_setting(repository):
    """The file, the dbt sources that it might feed, and the line of elt.yml."""
    write(repository, "pipelines/shop.py")
    assert note_on(repository) == (
        "no load feeds dbt source raw.orders, and pipelines/shop.py imports dlt; elt loads only what is in ingestion/: "
        "write under `ingestion:` in elt.yml: folder: pipelines"
    )
    write(repository, "pipelines/other.py", "from dlt.sources.helpers import requests\n")
    note = note_on(repository, ["raw.a", "raw.b", "raw.c"])
    assert note.startswith(
        "no load feeds dbt source raw.a and 2 others, and pipelines/other.py imports dlt (and 1 more"
    )


def test_without_a_repository_the_file_is_found_inside_the_project(tmp_path):
    """What is above is not the project's."""
    write(tmp_path, "shop/dbt_project.yml", "")
    write(tmp_path, "neighbour.py")
    known = Settings(project_root=tmp_path / "shop", dbt_project_dir=tmp_path / "shop")
    assert unused_code_note(known, ["raw.a"], loads_something=False) is None
    write(tmp_path, "shop/el/load.py")
    note = unused_code_note(known, ["raw.a"], loads_something=False)
    assert note.endswith("write under `ingestion:` in elt.yml: folder: el")


def test_the_folder_is_written_as_seen_from_the_elt_yml_that_is_there(repository):
    """Relative paths of elt.yml start at its folder."""
    write(repository, "load/shop.py")
    note = note_on(repository, elt_yml=repository / "warehouse/elt.yml")
    assert note.endswith("write under `ingestion:` in warehouse/elt.yml: folder: ../load")


def test_a_project_that_has_an_ingestion_folder_may_move_the_file(repository):
    """elt loads its files, but not those in its subfolders, which are noted if no load is defined."""
    write(repository, "ingestion/shop.py")
    write(repository, "ingestion/deep/shop.py")
    folder = repository / "ingestion"
    assert note_on(repository, ingestion_folder=folder, loads_something=True) is None
    note = note_on(repository, ingestion_folder=folder)
    assert (
        "ingestion/deep/shop.py imports dlt; elt loads only what is in ingestion/: move it into ingestion/, or" in note
    )


NOT_OURS = """
    .hidden/a.py venv/a.py any/lib/site-packages/a.py node_modules/a.py tests/a.py a/b/c/d/e/too_deep.py notes.txt
    warehouse/target/a.py warehouse/dbt_packages/p/a.py warehouse/models/a.py
"""


@pytest.mark.parametrize("name", NOT_OURS.split())
def test_code_outside_the_project_is_not_read(repository, name):
    """Environments, packages, dbt's folders, hidden and deep ones."""
    write(repository, name)
    assert note_on(repository) is None


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "dbt_project.yml"])
def test_an_environment_and_another_project_are_left_alone(repository, mark):
    """Whatever their folder is called."""
    write(repository, f"other/{mark}", "")
    write(repository, "other/load.py")
    assert note_on(repository) is None


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("import os, dlt\n", True),
        ("def f():\n    from dlt import pipeline\n", True),
        ("import dltx\n", False),
        ("# import dlt\n", False),
        ("from other import dlt\n", False),
    ],
)
def test_only_an_import_of_dlt_counts(repository, text, counts):
    """A word in a comment, or another package, is none."""
    write(repository, "load.py", text)
    assert (note_on(repository) is not None) is counts


def test_nothing_is_read_when_every_dbt_source_has_a_load(repository, monkeypatch):
    """The search costs nothing then."""
    write(repository, "load.py")
    monkeypatch.setattr(os, "scandir", lambda _folder: pytest.fail("searched"))
    assert note_on(repository, []) is None


def test_a_large_repository_is_searched_in_part(repository):
    """So many folders and files, and no more."""
    for number in range(400):
        write(repository, f"a{number:03}/x.py", "")
    write(repository, "zzz/load.py")
    started = time.perf_counter()
    assert note_on(repository) is None
    assert time.perf_counter() - started < 1
