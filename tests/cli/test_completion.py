"""Completion of words in the shell, through the protocol of bash."""

import json

import pytest

from orchestrator.cli.completion import VARIABLE
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

BREAKS = " \t\n\"'@><=;|&(:"
INGESTION = """
import dlt


@dlt.resource(name="customers")
def people():
    yield []


@dlt.source
def raw():
    return people
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A project that dbt has parsed, with a tag, a selector, loads and a suite."""
    return write_shop(
        tmp_path_factory.mktemp("shop"),
        {
            "models/nightly.sql": "{{ config(tags=['night', 'slow']) }} select 1 as x",
            "selectors.yml": "selectors: [{name: for_marts, definition: {method: path, value: models/marts}}]",
            "ingestion/raw.py": INGESTION,
            "expectations/fct_orders.json": '{"name": "fct_orders", "expectations": []}',
        },
    )


@pytest.fixture(scope="module")
def recorded(shop):
    """The same, with a run."""
    from orchestrator.cli.main import run_command_line

    assert run_command_line(["run", "-q", "--no-ingest", "--select", "stg_orders", "--project-dir", str(shop)]) == 0
    return shop


@pytest.fixture
def complete(elt, monkeypatch):
    """Return the completions that bash gets: each replaces the last word that it split off."""

    def completed(line: str, project) -> list[str]:
        monkeypatch.chdir(project)
        variables = {VARIABLE: "bash_complete", "COMP_LINE": line, "COMP_POINT": str(len(line))}
        for name, value in {**variables, "COMP_WORDBREAKS": BREAKS}.items():
            monkeypatch.setenv(name, value)
        said = elt()
        assert said.err == ""
        return [word.partition(",")[2] for word in said.out.splitlines() if word]

    return completed


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("elt sho", ["show"]),
        ("elt comp", ["compile"]),
        ("elt run --sel", ["--select", "--selector"]),
        ("elt run --select dim", ["dim_customers"]),
        ("elt run --select +dim", ["+dim_customers"]),
        ("elt run --select 2+dim", ["2+dim_customers"]),
        ("elt run --select @dim", ["dim_customers"]),  # bash keeps the @, as it is the end of a word
        ("elt run --select=dim", ["dim_customers"]),
        ("elt run --select stg_orders dim", ["dim_customers"]),
        ("elt run --exclude stg_orders,+dim", ["stg_orders,+dim_customers"]),
        ("elt run --select tag:", ["night", "slow"]),
        ("elt run --select +tag:ni", ["night"]),
        ("elt run --select ta", ["tag:"]),
        ("elt run --select path:models/mar", ["models/marts", *(f"models/marts/{file}" for file in (
            "dim_customers.sql", "fct_orders.sql", "int_orders.sql", "marts.yml"))]),
        ("elt run --select source:raw.c", ["raw.customers"]),
        ("elt run --select config.materialized:v", ["view"]),
        ("elt run --select state:modified.b", ["modified.body"]),
        ("elt run --select ingest:", ["customers", "raw"]),
        ("elt run --select expectation:", ["fct_orders"]),
        ("elt run --selector ", ["for_marts"]),
        ("elt run --target ", ["dev"]),
        ("elt run --profile ", ["shop"]),
        ("elt explain dim", ["dim_customers"]),
        ("elt compile --select dim", ["dim_customers"]),
        ("elt run --upstream a", ["auto", "all"]),
        ("elt run --profiles-dir mod", ["mod"]),  # a folder: bash looks itself
    ],
)  # fmt: skip
def test_names_values_and_options_are_offered(complete, recorded, line, offered):
    """Names, dbt's methods with their values, ours, and what options take; after operators and commas too."""
    assert complete(line, recorded) == offered


@pytest.mark.parametrize("verb", ["show", "logs", "resume", "retry", "cancel", "notify preview"])
def test_runs_are_offered(elt, complete, recorded, verb):
    """By their ids, the newest first."""
    run = json.loads(elt("history", "--json", project=recorded).out)["run_id"]
    assert complete(f"elt {verb} 2", recorded) == [run]


def test_destinations_schedules_and_runs_are_offered_to_notify_and_schedule(elt, complete, tmp_path):
    """As elt.yml names them."""
    shop = write_shop(tmp_path, raw="")
    (shop / "elt.yml").write_text(
        "notifications: {destinations: {team: {url: '${HOOK}'}, on-call: {url: '${HOOK}'}}}\n"
        'schedules: {nightly: {cron: "0 2 * * *"}, hourly: {cron: "0 * * * *"}}\n'
    )
    assert complete("elt notify test ", shop) == ["team", "on-call"]
    assert complete("elt notify test on", shop) == ["on-call"]
    for verb in ("run", "start", "pause", "unpause", "skip", "next", "check", "install"):
        assert complete(f"elt schedule {verb} ni", shop) == ["nightly"], verb


def test_steps_of_the_last_run_are_offered_to_logs(complete, recorded):
    """`elt logs NODE` is of the last run."""
    assert complete("elt logs stg", recorded) == ["stg_orders"]


@pytest.mark.parametrize(
    "broken",
    [
        {"target/manifest.json": '{"nodes": 3'},
        {"target/manifest.json": '{"nodes": [3]}'},
        {"profiles.yml": "shop: [", ".elt/history.db": "no database", "dbt_project.yml": "[", "elt.yml": "nope: 1"},
    ],
)
def test_an_error_offers_no_completions_and_prints_nothing(complete, tmp_path, broken):
    """It would be written into the line that is being typed."""
    shop = write_shop(tmp_path, raw="")
    for name, text in broken.items():
        (shop / name).parent.mkdir(exist_ok=True)
        (shop / name).write_text(text)
    for line in ("elt run --select dim", "elt run --target ", "elt show ", "elt run -s --x d"):
        assert complete(line, shop) in ([], ["dev"]), line


def test_outside_of_a_project_only_the_command_line_is_offered(complete, tmp_path):
    """Verbs and options need no project."""
    assert complete("elt run --select dim", tmp_path) == []
    assert complete("elt sho", tmp_path) == ["show"]
