"""A load has one name on the screen, and every command takes back each of its names."""

import pytest

from tests.cli.test_bad_ingestion import shop_that_loads

pytestmark = pytest.mark.functional

NAMES = ["raw", "ingest:raw", "ingest.raw", "elt_raw", "ingest.elt_raw", "ingest:raw.customers", "ingest.raw.customers"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return shop_that_loads(tmp_path_factory.mktemp("shop"))


def test_one_name_is_shown_everywhere_and_any_name_finds_the_log(elt, shop):
    """The plan, the run, the record and the log of a load name it as `--select` takes it."""
    loaded = elt("ingest", "ingest:raw", project=shop)
    assert loaded.code == 0, loaded.err
    said = [elt(*words, project=shop) for words in (("show",), ("plan", "--select", "elt_raw"))]
    said += [elt("logs", name, project=shop) for name in NAMES]
    for one in (loaded, *said):
        assert one.code == 0, one.err
        assert "ingest:raw" in one.out
        assert "elt_raw" not in one.out


@pytest.mark.parametrize("name", ["raw", "ingest.elt_raw"])
def test_a_load_is_named_as_an_argument_of_ingest(elt, shop, name):
    """`elt ingest NAME` takes what `--select` takes."""
    said = elt("ingest", name, project=shop)
    assert said.code == 0, said.err
    assert "ingest:raw" in said.out


def test_a_load_has_nothing_to_explain(elt, shop):
    """`elt explain` says so, and which commands help."""
    elt("explain", "ingest.elt_raw", project=shop).refuses(
        "ingest:raw is a load (ingestion/raw.py). A load has no fingerprint", "elt plan --select ingest:raw+"
    )


@pytest.mark.parametrize("name", ["elt_raw", "ingest.raw.customers"])
def test_a_load_is_listed_by_any_of_its_names(elt, shop, name):
    """Also beside a name of dbt's."""
    said = elt("ls", "--select", name, "stg_orders", project=shop)
    assert set(said.out.split()) >= {"ingest:raw.customers", "shop.staging.stg_orders"}, said.err


def test_a_load_is_excluded_by_its_name(elt, shop):
    """`--exclude` takes each name, too."""
    said = elt("plan", "--select", "+stg_customers", "--exclude", "elt_raw", project=shop)
    assert said.code == 0, said.err
    assert "Ingest (" not in said.out
