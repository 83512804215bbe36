"""elt.yml and expectation suites that say what cannot be."""

import json

import pytest

from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

ELT_YML = """
    lock_timout: 5
    lock_timeout: soon
    ingestion:
      threads: many
      folder: nowhere
    on_no_data: ${SHOP_ON_NO_DATA}
    """


def suite(name: str) -> str:
    expectation = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "customer_id"}}
    return json.dumps({"name": name, "expectations": [expectation]})


def test_every_mistake_of_elt_yml_is_reported_at_once(elt, tmp_path):
    """Unknown keys, wrong types, missing folders and variables are told together, each with its line."""
    shop = write_shop(tmp_path, {"elt.yml": ELT_YML})
    elt("run", project=shop).refuses(
        "The configuration has 5 mistakes:",
        f"{shop}/elt.yml:1: unknown key 'lock_timout'. Did you mean 'lock_timeout'?",
        f"{shop}/elt.yml:2: 'lock_timeout' is 'soon': expected a duration",
        f"{shop}/elt.yml:4: 'ingestion.threads' is 'many': expected a whole number",
        f"{shop}/elt.yml:5: 'ingestion.folder': the folder {shop}/nowhere does not exist",
        f"{shop}/elt.yml:6:",
        "SHOP_ON_NO_DATA",
    )


def test_control_characters_of_a_name_are_shown_and_not_obeyed(elt, tmp_path):
    """A name could otherwise move the cursor, or hide the message."""
    shop = write_shop(tmp_path, {"elt.yml": '"lock\\e]0;title\\atimeout\\e[2J": 1s\n'})
    said = elt("run", project=shop)
    said.refuses(r"unknown key 'lock\x1b]0;title\x07timeout\x1b[2J'")
    assert "\x1b" not in said.err


def test_elt_yml_that_is_not_yaml(elt, tmp_path):
    """A file that is no YAML is told with its line."""
    shop = write_shop(tmp_path, {"elt.yml": "lock_timeout: [\n"})
    elt("run", project=shop).refuses(f"{shop}/elt.yml:2: not YAML")


def test_a_suite_bound_to_no_node(elt, tmp_path):
    """A suite whose name is no node's says its file, similar names, and how suites are named."""
    shop = write_shop(tmp_path, {"expectations/x.json": suite("dim_custmers")})
    elt("run", project=shop).refuses(
        'expectations/x.json: no model, seed, snapshot or dbt source is called "dim_custmers".',
        "Did you mean 'dim_customers'",
        "A suite has the name of a model",
    )


def test_a_suite_over_an_ephemeral_model(elt, tmp_path):
    """A model that leaves no table cannot be validated."""
    shop = write_shop(tmp_path, {"expectations/x.json": suite("int_orders")})
    elt("plan", project=shop).refuses("model.shop.int_orders, which is ephemeral")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"name": "dim_customers", ', "expectations/x.json:1: not JSON"),
        ('{"name": "dim_customers", "expectations": [{"typ": "a"}, 3]}', 'expectation 1: no "type"'),
        (
            '{"name": "dim_customers", "expectations": [{"typ": "a"}, 3]}',
            "expectation 2: expected an object, found a number",
        ),
    ],
)
def test_a_malformed_suite(elt, tmp_path, text, told):
    """A suite's file that is no suite is told with the place in it."""
    shop = write_shop(tmp_path, {"expectations/x.json": text})
    elt("run", project=shop).refuses(told, "A suite is a JSON object")


def test_a_mistake_in_the_meta_of_a_model_names_its_yaml_file(elt, tmp_path):
    """The file and the line of the key, and not the model's SQL file."""
    entry = "models:\n  - name: int_orders\n    config:\n      meta:\n        elt:\n          nope: 1\n"
    told = "models/more.yml:6: model.shop.int_orders: unknown key 'meta.elt.nope'"
    elt("plan", project=write_shop(tmp_path, {"models/more.yml": entry})).refuses(told)
