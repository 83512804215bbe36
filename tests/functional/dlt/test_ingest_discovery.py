"""What the ingestion folder defines, found without loading and without asking a source system."""

import pytest

from orchestrator.adapters.dlt.destinations import refused_destination
from orchestrator.errors import IngestionError

pytestmark = pytest.mark.functional


def one(project, text, name="ingestion/shop.py"):
    project.write(name, text)
    return project.discover()


def test_a_source_lists_its_resources(project):
    """A source function is called; its resources come with dlt's table name, disposition and incremental."""
    found = one(
        project,
        """
        import dlt

        @dlt.resource(table_name="Customer Orders", write_disposition="merge", primary_key="id")
        def orders(id=dlt.sources.incremental("id")):
            yield []

        @dlt.resource(table_name=lambda row: row["kind"])
        def events():
            yield []

        @dlt.source
        def shop(region: str = "eu"):
            return orders, events
        """,
    )
    (source,) = found.sources
    assert (source.name, source.module, source.attribute) == ("shop", "ingestion/shop.py", "shop")
    assert (source.pipeline, source.dataset, source.working_dir) == ("elt_shop", None, None)
    assert [(r.name, r.table, r.write_disposition, r.incremental) for r in source.resources] == [
        ("orders", "customer_orders", "merge", True),
        ("events", None, "append", False),
    ]


def test_a_bare_resource_is_a_source_of_its_own(project):
    """A resource that no source of the module returns is loaded by itself; helpers and imports are not listed."""
    project.write("ingestion/other.py", "import dlt\n\n@dlt.resource\ndef lone():\n    yield {'id': 1}\n")
    project.write("ingestion/plain.py", "raise RuntimeError('a helper that nobody imports')\n")
    found = one(project, "import dlt\nfrom other import lone\nagain = lone\n")
    assert found.mistakes == ()
    assert [(s.name, s.module) for s in found.sources] == [("lone", "ingestion/other.py")]


def test_a_source_that_needs_arguments_is_loaded_as_it_was_called(project):
    """A call in the module is a source under its own name; the function alone gets a note."""
    factory = "import dlt\n\n@dlt.source\ndef shop(region):\n    return dlt.resource([1], name=region)\n"
    called = one(project, factory + "\nnorth = shop.clone(name='north')('n')\n")
    assert [(s.name, s.attribute) for s in called.sources] == [("north", "north")]
    alone = one(project, factory)
    assert alone.sources == ()
    assert "dlt source shop needs region" in alone.notes[0]


def test_missing_credentials_affect_that_source_alone(project):
    """A source without its credentials is one node that names the keys; other modules are listed."""
    project.write("ingestion/fine.py", "import dlt\nfine = dlt.resource([1], name='fine')\n")
    found = one(
        project,
        """
        import dlt

        @dlt.source
        def shop(api_key: str = dlt.secrets.value):
            return dlt.resource([1], name="orders")
        """,
    )
    problems = {source.name: source.problem for source in found.sources}
    assert problems == {"fine": "", "shop": "dlt source shop lacks its configuration: api_key"}
    hint = next(source.hint for source in found.sources if source.problem)
    assert "SOURCES__SHOP__SHOP__API_KEY in the environment" in hint
    assert ".dlt/secrets.toml" in hint


def test_listing_does_not_contact_the_source_system(project):
    """A source that asks its system for its resources is refused the connection, and is one node."""
    found = one(
        project,
        """
        import dlt, socket

        @dlt.source
        def shop():
            try:
                socket.create_connection(("127.0.0.1", 9))
            except Exception:
                pass
            return dlt.resource([1], name="orders")
        """,
    )
    assert [(s.name, s.resources) for s in found.sources] == [("shop", ())]
    assert "asks its source system" in found.notes[0]


def test_a_module_that_loads_at_import_is_refused_by_name(project):
    """A pipeline that runs while the module is imported is an error with file and line, and loads nothing."""
    found = one(
        project,
        "import dlt\n\ntry:\n    dlt.pipeline('p', destination='duckdb').run([1])\nexcept Exception:\n    pass\n",
    )
    with pytest.raises(IngestionError, match=r"ingestion/shop\.py, line 4: the module runs a dlt pipeline"):
        found.require_sound()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import dlt\nimport nowhere\n", "ingestion/shop.py, line 2: ModuleNotFoundError: No module named 'nowhere'"),
        ("import dlt\ndef (:\n", "ingestion/shop.py, line 2: invalid syntax"),
        ("import dlt, sys\nsys.exit('bye')\n", "ingestion/shop.py, line 2: SystemExit: bye"),
        (
            "import dlt, os\nos._exit(3)\n",
            "ingestion/shop.py: the process that imported the module died: it ended with code 3",
        ),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(project, text, message):
    """File, line and the error's words, whatever the module does."""
    assert [mistake.message for mistake in one(project, text).mistakes] == [message]


def test_a_name_in_two_modules_is_refused(project):
    """Two sources of one name would share state and tables."""
    text = "import dlt\nshop = dlt.resource([1], name='shop')\n"
    project.write("ingestion/first.py", text)
    (mistake,) = one(project, text).mistakes
    assert "ingestion/first.py both define the dlt source or pipeline shop" in mistake.message


def test_a_pipeline_that_cannot_be_kept_says_why(project):
    """A user's pipeline with a new dataset every time is told before it runs."""
    made = "dlt.pipeline('p', dev_mode=True, dataset_name='d')"
    (source,) = one(project, f"import dlt\np = {made}\nshop = dlt.resource([1], name='shop')\n").sources
    assert "has dev_mode on" in source.problem


@pytest.mark.parametrize(("named", "refused"), [("filesystem", True), ("postgres", True), ("duckdb", False)])
def test_a_pipeline_for_another_destination_says_why(project, named, refused):
    """A user's pipeline may name the destination that dbt's target is, and no other."""
    made = f"dlt.pipeline('p', destination='{named}')"
    (source,) = one(project, f"import dlt\np = {made}\nshop = dlt.resource([1], name='shop')\n").sources
    problem, hint = refused_destination(source.pipeline, source.destination, "duckdb")
    assert bool(problem) is refused
    assert not refused or (f"names the destination {named}" in problem and "duckdb" in hint)


def test_several_pipelines_load_the_sources_of_their_name(project):
    """With more than one pipeline in a module the names say which loads what; the rest gets a note."""
    found = one(
        project,
        """
        import dlt
        books = dlt.pipeline("books")
        maps = dlt.pipeline("maps")
        a = dlt.resource([1], name="books")
        b = dlt.resource([1], name="globes")
        """,
    )
    assert [(s.name, s.pipeline, s.attribute) for s in found.sources] == [("books", "books", "books")]
    assert any("no source is loaded by the dlt pipeline maps" in note for note in found.notes)
    assert any("none has the name of globes" in note for note in found.notes)


def test_a_folder_without_modules_starts_nothing(project):
    """Without an ingestion folder there is nothing, and no process."""
    assert project.discover().sources == ()
