"""Suites are read from JSON; every mistake is reported at once."""

import json
import subprocess
import sys

import pytest

from orchestrator.adapters.great_expectations.suite_files import read_suite, read_suites
from orchestrator.errors import SuiteError
from orchestrator.nodes.suite import Suite, suite_id

ONE = {"type": "expect_column_to_exist", "kwargs": {"column": "id"}, "severity": "warning"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "expectations").mkdir()
    return tmp_path / "expectations"


def write(folder, name, said):
    (folder / name).write_text(said if isinstance(said, str) else json.dumps(said))


def test_every_json_file_of_the_folder_is_a_suite(folder):
    """Files of sub-folders count, hidden ones do not; paths are relative to the project."""
    (folder / "raw").mkdir()
    (folder / ".cache").mkdir()
    write(folder / "raw", "b.json", {"name": "raw.orders", "expectations": []})
    write(folder / ".cache", "c.json", "no JSON")
    write(folder, "a.json", {"name": "orders", "expectations": [ONE, ONE], "meta": {}, "id": None, "notes": None})
    write(folder, "notes.txt", "not a suite")
    suites, mistakes = read_suites(folder, folder.parent)
    assert mistakes == ()
    assert suites == (
        Suite(unique_id=suite_id("orders"), name="orders", path="expectations/a.json", expectations=2),
        Suite(unique_id=suite_id("raw.orders"), name="raw.orders", path="expectations/raw/b.json", expectations=0),
    )


def test_a_missing_folder_has_no_suites(tmp_path):
    """Suites are optional."""
    assert read_suites(tmp_path / "expectations", tmp_path) == ((), ())


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ('{\n "name": "a",\n "expectations": [,]\n}', "s.json:3: not JSON: Expecting value"),
        ("", "s.json:1: not JSON"),
        ([], "s.json: not a suite: expected an object, found a list"),
        ({"expectations": []}, 's.json: no "name"'),
        ({"name": " ", "expectations": []}, 's.json: no "name"'),
        ({"name": 3, "expectations": []}, 's.json: no "name"'),
        ({"name": "a"}, 's.json: no "expectations"'),
        ({"name": "a", "expectations": {}}, '"expectations": expected a list, found an object'),
        ({"name": "a", "expectations": [3]}, "expectation 1: expected an object, found a number"),
        ({"name": "a", "expectations": [ONE, {"kwargs": {}}]}, 'expectation 2: no "type"'),
        ({"name": "a", "expectations": [{"type": "t", "kwargs": []}]}, '"kwargs": expected an object, found a list'),
        (
            {"name": "a", "expectations": [ONE | {"severity": "fatal"}]},
            'unknown severity "fatal"; use one of critical, warning, info',
        ),
        (
            {"name": "a", "expectations": [], "suite_parameters": []},
            '"suite_parameters": expected an object, found a list',
        ),
        ({"expectation_suite_name": "a", "expectations": []}, "before 1.0"),
        ({"name": "a", "expectations": [{"expectation_type": "t"}]}, "before 1.0"),
    ],
)
def test_a_malformed_suite_is_an_error_with_its_place(folder, said, mistake):
    """The message names file, line or expectation; the hint says what a suite is."""
    write(folder, "s.json", said)
    suites, [told, *_] = read_suites(folder, folder)
    assert suites == ()
    assert mistake in told
    with pytest.raises(SuiteError) as raised:
        read_suite(folder, "s.json")
    assert mistake in raised.value.message
    assert "a name and a list of expectations" in raised.value.hint


def test_all_mistakes_of_all_files_are_reported_at_once(folder):
    """Nobody mends one suite to hear of the next; two suites of one name are a mistake too."""
    write(folder, "a.json", "{")
    write(folder, "b.json", {"name": "", "expectations": [{}, {}]})
    write(folder, "c.json", {"name": "same", "expectations": []})
    write(folder, "d.json", {"name": "same", "expectations": []})
    assert read_suites(folder, folder)[1] == (
        "a.json:1: not JSON: Expecting property name enclosed in double quotes (column 2)",
        'b.json: no "name"',
        'b.json: expectation 1: no "type"',
        'b.json: expectation 2: no "type"',
        'c.json, d.json: 2 suites are called "same"',
    )


def test_a_file_that_is_not_text_is_an_error(folder):
    """Bytes that are no UTF-8 are told as such, not as a traceback."""
    (folder / "s.json").write_bytes(b"\xff\xfe\x00")
    assert read_suites(folder, folder)[1] == ("s.json: not text in UTF-8",)


def test_one_suite_is_read_again_when_it_runs(folder):
    """Its expectations and parameters come as they stand in the file then."""
    write(folder, "s.json", {"name": "a", "expectations": [ONE], "suite_parameters": {"top": 3}})
    suite = read_suite(folder, "s.json")
    assert (suite.expectations, suite.suite_parameters) == ((ONE,), {"top": 3})
    with pytest.raises(SuiteError, match="cannot be read"):
        read_suite(folder, "gone.json")


def test_reading_imports_no_great_expectations():
    """Planning stays fast, and works without the extra; so does the runner itself."""
    code = (
        "import sys; from orchestrator.adapters.great_expectations import suite_files, validate, gx_extra; "
        "print([name for name in ('great_expectations', 'sqlalchemy', 'duckdb') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
