"""Which of the steps that can start starts first: durations, priorities and pools."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional

PROFILES = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: %s}}}\n"
SLEEPY = """
def model(dbt, session):
    import time
    dbt.config(materialized="table"%s)
    time.sleep(0.4)
    return session.sql("select 1 as id")
"""
QUICK = "select 1 as id"


@pytest.fixture
def shop(tmp_path: Path):
    """Write a project with these models, and return its folder."""

    def write(models: dict[str, str], *, threads: int, elt_yml: str = "{}\n") -> Path:
        (tmp_path / "models").mkdir()
        (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
        (tmp_path / "profiles.yml").write_text(PROFILES % threads)
        (tmp_path / "elt.yml").write_text(elt_yml)
        for name, text in models.items():
            (tmp_path / "models" / name).write_text(text)
        return tmp_path

    return write


def events(said, kind: str) -> list[dict]:
    assert said.code == 0, said.out + said.err
    return [one for one in map(json.loads, said.out.splitlines()) if one["event"] == kind]


def started(said) -> list[str]:
    return [event["step_id"].rpartition(".")[2] for event in events(said, "step_started")]


def pooled(**own: object) -> str:
    return f", meta={{'elt': {own}}}"


def test_the_step_with_the_longest_remaining_path_starts_first_by_earlier_durations(elt, shop) -> None:
    """The first run knows no durations and takes the longer chain first; the second knows which step is slow."""
    chain = {"a.sql": QUICK, "b.sql": "select * from {{ ref('a') }}", "c.sql": "select * from {{ ref('b') }}"}
    root = shop({**chain, "slow.py": SLEEPY % ""}, threads=1)
    assert started(elt("run", "--json", project=root))[:2] == ["a", "b"]  # then c and slow are alike
    assert started(elt("run", "--json", project=root)) == ["slow", "a", "b", "c"]


def test_a_priority_of_a_model_is_shown_and_lets_it_start_first(elt, shop) -> None:
    """Also before a longer path; what it waits for comes with it."""
    report = "{{ config(meta={'elt': {'priority': 3}}) }} select * from {{ ref('parent') }}"
    chain = {"a.sql": QUICK, "b.sql": "select * from {{ ref('a') }}", "c.sql": "select * from {{ ref('b') }}"}
    root = shop({**chain, "parent.sql": QUICK, "report.sql": report}, threads=1)
    assert "selected; priority 3" in elt("plan", project=root).out
    assert started(elt("run", "--json", project=root)) == ["parent", "report", "a", "b", "c"]


def test_models_in_a_pool_do_not_run_at_once_beyond_its_limit(elt, shop) -> None:
    """Two models share a pool of one slot; the third one starts meanwhile."""
    erp = SLEEPY % pooled(pool="erp")
    root = shop({"x.py": erp, "y.py": erp, "z.py": SLEEPY % ""}, threads=3, elt_yml="pools: {erp: 1}\n")
    steps = json.loads(elt("plan", "--json", project=root).out)["steps"]
    assert {step["name"]: step["pool"] for step in steps} == {"x": "erp", "y": "erp", "z": None}
    assert "selected; pool erp" in elt("plan", project=root).out
    said = elt("run", "--json", project=root)
    order = [
        (event["event"], event["step_id"][-1]) for event in map(json.loads, said.out.splitlines()) if "step_id" in event
    ]
    first, second = (name for kind, name in order if kind == "step_started" and name in "xy")
    assert order.index(("step_ended", first)) < order.index(("step_started", second))
    assert order.index(("step_started", "z")) < order.index(("step_ended", first))


def test_a_load_is_in_the_pool_of_the_dbt_source_that_it_fills(elt, shop) -> None:
    """The plan says so for the load."""
    root = shop({"m.sql": "select * from {{ source('erp', 'stock') }}"}, threads=2, elt_yml="pools: {erp: 1}\n")
    (root / "models/sources.yml").write_text(
        "sources: [{name: erp, config: {meta: {elt: {pool: erp, priority: 2}}}, tables: [{name: stock}]}]\n"
    )
    (root / "ingestion").mkdir()
    (root / "ingestion/erp.py").write_text(
        "import dlt\n\n@dlt.source\ndef erp():\n    return stock\n\n"
        "@dlt.resource\ndef stock():\n    yield [{'id': 1}]\n"
    )
    said = elt("plan", "--json", project=root)
    load = next(step for step in json.loads(said.out)["steps"] if step["kind"] == "ingest")
    assert (load["pool"], load["priority"]) == ("erp", 2)
    elt("run", project=root).reports("2 success", code=0)


def test_an_unknown_pool_is_refused_with_the_line_that_names_it(elt, shop) -> None:
    """Before anything runs, and in the plan."""
    root = shop({"x.sql": QUICK}, threads=1, elt_yml="pools: {erp: 1}\n")
    (root / "models/x.yml").write_text(
        "models:\n  - name: x\n    config:\n      meta:\n        elt:\n          pool: epr\n"
    )
    for verb in ("plan", "run"):
        elt(verb, project=root).refuses("models/x.yml:6", "'meta.elt.pool' is 'epr'", "Did you mean 'erp'?")


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("{pool: 3}", "'meta.elt.pool' is '3': expected a text"),
        ("{priority: high}", "'meta.elt.priority' is 'high': expected a whole number"),
        ("{priority: true}", "'meta.elt.priority' is 'True': expected a whole number"),
    ],
)
def test_a_pool_is_a_name_and_a_priority_a_whole_number(elt, shop, own: str, told: str) -> None:
    """Anything else is refused."""
    root = shop({"x.sql": QUICK}, threads=1)
    (root / "models/x.yml").write_text(f"models: [{{name: x, config: {{meta: {{elt: {own}}}}}}}]\n")
    elt("plan", project=root).refuses("models/x.yml", told)


def test_two_pools_for_one_load_are_refused(elt, shop) -> None:
    """The load fills both tables at once."""
    root = shop({"m.sql": "select 1 as id"}, threads=1, elt_yml="pools: {erp: 1, crm: 1}\n")
    (root / "models/sources.yml").write_text(
        "sources: [{name: erp, tables: [{name: stock, config: {meta: {elt: {pool: erp}}}},"
        " {name: staff, config: {meta: {elt: {pool: crm}}}}]}]\n"
    )
    (root / "ingestion").mkdir()
    (root / "ingestion/erp.py").write_text(
        "import dlt\n\n@dlt.source\ndef erp():\n    return stock, staff\n\n"
        "@dlt.resource\ndef stock():\n    yield [{'id': 1}]\n\n@dlt.resource\ndef staff():\n    yield [{'id': 1}]\n"
    )
    elt("plan", project=root).refuses("models/sources.yml:1", "a load is in one pool", "erp.st")
