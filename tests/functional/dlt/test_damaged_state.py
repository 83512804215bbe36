"""What dlt keeps of a pipeline cannot be read: the load names the file or row, and what to delete."""

import shutil

import pytest

from orchestrator.plan.status import Status
from tests.sweeps import SWEEP

pytestmark = pytest.mark.functional

SHOP = """
    import os, signal
    from pathlib import Path
    import dlt

    LAST = int(Path("last").read_text())

    @dlt.resource(write_disposition="merge", primary_key="id")
    def shop(id=dlt.sources.incremental("id", range_start="open")):
        yield [{"id": n} for n in range(1, LAST + 1)]

    if Path("die").exists():
        from dlt.load.load import Load
        from dlt.normalize.normalize import Normalize
        for step in (Load, Normalize):
            if step.__name__ == Path("die").read_text():
                step.run = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def shop(project):
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "2")
    assert project.load().status is Status.SUCCESS
    project.write("last", "4")
    return project


def folder_of(project):
    (folder,) = (project.root / ".elt" / "dlt").glob("*/elt_shop")
    return folder


def kill_in(project, step):
    project.write("die", step)
    assert project.load().status is Status.ERROR
    (project.root / "die").unlink()
    project.write("last", "5")


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


# A file of the working folder, the step in which a load was killed before, and what the file holds (None: it is gone).
DAMAGES = {
    "a state cut short": ("state.json", "", '{"_state_version": 1, "_state_en'),
    "a state of another form": ("state.json", "", "[]"),
    "a schema cut short": ("schemas/*.schema.json", "", '{"version": 2,'),
    "a schema that is gone": ("schemas/elt_shop.schema.json", "", None),
    "a version that is none": ("load/.version", "", "x"),
    "a record cut short": ("elt_loaded.json", "Load", "{"),
    "an extracted package cut short": ("normalize/extracted/*/load_package_state.json", "Normalize", "{"),
    "a waiting package without its schema": ("load/normalized/*/schema.json", "Load", None),
    "a waiting package cut short": ("load/normalized/*/load_package_state.json", "Load", "{"),
    "an empty file of rows": ("load/normalized/*/new_jobs/shop.*.parquet", "Load", ""),
}


SOME = SWEEP.share(list(DAMAGES), smoke=5)


@pytest.mark.parametrize(("pattern", "killed_in", "text"), [DAMAGES[name] for name in SOME], ids=SOME)
def test_a_damaged_working_folder_names_the_file_and_recovers_once_it_is_deleted(shop, pattern, killed_in, text):
    """The message names pipeline and file; without the folder the warehouse has the state, and nothing is lost."""
    if killed_in:
        kill_in(shop, killed_in)
    folder = folder_of(shop)
    file = only(folder, pattern)
    file.unlink() if text is None else file.write_text(text)
    outcome = shop.load()
    assert outcome.status is Status.ERROR
    assert (
        "dlt source shop (ingestion/shop.py): the working folder of the dlt pipeline elt_shop is damaged"
        in outcome.message
    )
    assert str(file.relative_to(shop.root)).removesuffix(".0.parquet") in outcome.message  # dlt counts its tries there
    assert f"Delete the folder {folder.relative_to(shop.root)} and run again" in outcome.message
    assert "restored from the warehouse" in outcome.message
    assert ("A package waits" in outcome.message) is (killed_in == "Load")

    shutil.rmtree(folder)
    assert shop.load().status is Status.SUCCESS
    rows = list(range(1, int((shop.root / "last").read_text()) + 1))
    assert shop.rows("select list(id order by id) from raw.shop") == [(rows,)]


def test_a_state_that_is_only_in_the_folder_says_so(shop):
    """With `restore_from_destination = false` deleting the folder loses the incremental state."""
    shop.write(".dlt/config.toml", "restore_from_destination = false\n")
    (folder_of(shop) / "state.json").write_text("{")
    assert "all rows are extracted again" in shop.load().message


ROWS = {
    "a state": ("update raw._dlt_pipeline_state set state = 'no state'", "raw._dlt_pipeline_state, version 1,"),
    "a schema": (
        "update raw._dlt_version set schema = '{'",
        "schema elt_shop of the dlt pipeline elt_shop in raw._dlt_",
    ),
}


@pytest.mark.parametrize(("damage", "named"), ROWS.values(), ids=ROWS)
def test_a_damaged_row_in_the_warehouse_is_named_with_the_statement_that_deletes_it(shop, damage, named):
    """Where the state has to come from the warehouse and cannot be read there, the statement in the message helps."""
    shop.rows(damage)
    shutil.rmtree(folder_of(shop))
    outcome = shop.load()
    assert outcome.status is Status.ERROR
    assert named in outcome.message
    statement = outcome.message[outcome.message.index("delete from") :].split(". The next load")[0]
    shop.rows(statement)
    assert shop.load().status is Status.SUCCESS
    assert shop.rows("select list(id order by id) from raw.shop") == [([1, 2, 3, 4],)]


def test_a_damaged_folder_of_a_users_pipeline_is_named_when_the_module_is_imported(project):
    """A module that makes its pipeline at the top level cannot be imported then: file, line, and what to delete."""
    folder = project.root / "mine"
    project.write("last", "2")
    project.write("ingestion/shop.py", SHOP + f"\n    pipe = dlt.pipeline('mine', pipelines_dir={str(folder)!r})\n")
    assert project.load("pipe").status is Status.SUCCESS
    (folder / "mine" / "state.json").write_text("{")
    (mistake,) = project.discover().mistakes
    assert mistake.message.startswith("ingestion/shop.py, line 19: the working folder of the dlt pipeline mine is")
    assert "mine/mine/state.json cannot be read" in mistake.message
    assert mistake.hint.startswith("Delete the folder mine/mine and run again.")


def test_a_failing_source_is_not_mistaken_for_a_damaged_folder(shop):
    """An error of the user's code stays one, whatever the folder looks like."""
    kill_in(shop, "Normalize")
    only(folder_of(shop), "normalize/extracted/*/schema.json").write_text("{")
    shop.write("ingestion/shop.py", SHOP.replace("yield [", "raise KeyError('of mine')\n        yield ["))
    outcome = shop.load()
    assert "extracting the resource shop" in outcome.message
    assert "KeyError: 'of mine'" in outcome.message


SETTINGS = {
    "no quotes": ("secrets.toml", "[sources.shop]\ntoken = hunter2secret\n", "line 2"),
    "a table cut short": ("config.toml", "[sources.shop\n", "line 1"),
    "not text": ("secrets.toml", "token = '\xff'".encode("latin-1"), "not UTF-8"),
}


@pytest.mark.parametrize(("name", "content", "told"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_cannot_be_read_name_the_file_and_never_a_value(project, name, content, told):
    """Discovery and loads name the file of dlt's settings and the line."""
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "2")
    file = project.write(f".dlt/{name}", "")
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (mistake,) = project.discover().mistakes
    outcome = project.load()
    assert outcome.status is Status.ERROR
    for message in (mistake.message, outcome.message):
        assert f".dlt/{name}: dlt cannot read its settings: " in message
        assert told in message
        assert "hunter2secret" not in message
    assert "Fix the file" in mistake.hint
