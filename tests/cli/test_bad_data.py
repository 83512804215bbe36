"""What the warehouse or a model's code refuses while a run goes on: an error of the step, and what it halted."""

import json
import sys

import pytest

from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional


def test_a_source_table_that_does_not_exist(elt, tmp_path):
    """The model that reads it is an error with file, compiled SQL and what it halted."""
    elt("run", "--select", "stg_orders", project=write_shop(tmp_path, raw="")).reports(
        'Table with name "raw.orders" does not exist',
        "file models/staging/stg_orders.sql",
        "compiled target/compiled/shop/models/staging/stg_orders.sql",
        "halted 2 steps: unique_stg_orders_order_id, not_null_stg_orders_order_id",
    )


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("select custmer from {{ ref('int_orders') }}", 'Referenced column "custmer" not found'),
        ("selec 1", 'syntax error at or near "selec"'),
    ],
)
def test_a_model_with_an_sql_error(elt, tmp_path, statement, told):
    """The database's words, the file, and what was halted; what does not depend on it goes on."""
    shop = write_shop(tmp_path, {"models/marts/fct_orders.sql": statement})
    elt("run", project=shop).reports(
        told,
        "file models/marts/fct_orders.sql",
        "dim_customers because of model fct_orders",
        "success model stg_customers",
        "1 error, 5 skipped",
    )


PYTHON_MODEL = """
def model(dbt, session):
    dbt.config(materialized="table")
    orders = dbt.ref("stg_orders").df()
    if len(orders):
        raise ValueError("no such colour: mauve")
    return orders
"""


def test_a_python_model_that_raises(elt, tmp_path):
    """The exception's own words and the file."""
    shop = write_shop(tmp_path, {"models/marts/guess.py": PYTHON_MODEL})
    elt("run", "--select", "guess", project=shop).reports(
        "error model guess",
        "Python model failed: ValueError: no such colour: mauve (line 5 of the model)",
        "file models/marts/guess.py",
    )


PRINTS = """
import os
import sys

def model(dbt, session):
    dbt.config(materialized="table")
    print("token", os.environ["SHOP_API_TOKEN"])
    sys.stdout.close()
    return dbt.ref("stg_orders")
"""


def test_output_of_a_python_model_is_a_notice(elt, tmp_path, monkeypatch):
    """Secrets are masked, `--json` stays JSON lines, and the model cannot close the output."""
    monkeypatch.setenv("SHOP_API_TOKEN", "sup3rs3cretvalue")
    shop = write_shop(tmp_path, {"models/marts/chatty.py": PRINTS})
    said = elt("run", "--select", "chatty", "--json", project=shop)
    assert said.code == 0, said.out + said.err
    events = [json.loads(line) for line in said.out.splitlines()]
    assert [one["message"] for one in events if one.get("notice") == "printed"] == ["token *****"]
    elt("run", "--select", "chatty", project=shop).reports("Printed by models: 1 line token *****", code=0)


EXITS = """
import sys

def model(dbt, session):
    dbt.config(materialized="table")
    sys.exit({code})
    return dbt.ref("stg_orders")
"""


@pytest.mark.parametrize("code", ["", "0", "3", "'no data today'"])
def test_a_python_model_that_exits(elt, tmp_path, code):
    """Is an error with its line, also with code 0; what does not depend on it goes on."""
    shop = write_shop(tmp_path, {"models/marts/guess.py": EXITS.format(code=code)})
    elt("run", "--select", "guess", "stg_orders", project=shop).reports(
        f"Python model failed: it called sys.exit({code}) (line 5 of the model).",
        "raise an exception",
        "file models/marts/guess.py",
        "success model stg_orders",
    )


def test_a_python_model_that_needs_a_package(elt, tmp_path):
    """The command that installs it into the environment that runs elt."""
    model = "import nosuchmodule\n\n\ndef model(dbt, session):\n    return dbt.ref('stg_orders').df()\n"
    shop = write_shop(tmp_path, {"models/marts/guess.py": model})
    elt("run", "--select", "guess", project=shop).reports(
        "ModuleNotFoundError: No module named 'nosuchmodule' (line 1 of the model)",
        f"{sys.executable} -m pip install nosuchmodule",
    )


def test_a_project_without_faults(elt, tmp_path):
    """The same project without a fault is green."""
    elt("run", project=write_shop(tmp_path)).reports("success in", "16 success", code=0)
