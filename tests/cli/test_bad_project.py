"""A dbt project that cannot be used: what is said, and that nothing starts."""

import json
import sys
from textwrap import dedent

import pytest

from orchestrator.adapters.dbt.bridge.releases import installed_release
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional


def profile(output: str) -> dict[str, str]:
    return {"profiles.yml": f"shop: {{target: dev, outputs: {{dev: {output}}}}}"}


def test_no_dbt_project(elt, tmp_path):
    """Without a dbt_project.yml the message says where was looked, and the ways to name one."""
    elt("run", project=tmp_path).refuses(
        f"No dbt project found: neither {tmp_path} nor its subfolders contain a dbt_project.yml.",
        "--project-dir",
        "elt dbt init",
    )


def test_a_folder_that_does_not_exist(elt, tmp_path):
    """A --project-dir that is not there is named."""
    elt("run", project=tmp_path / "nope").refuses(f"The project folder {tmp_path}/nope does not exist.")


LINES = """
    shop:
      target: dev
      outputs: {dev: {type: duckdb, path: shop.duckdb}}
"""


@pytest.mark.parametrize("has_folder", [False, True], ids=["no ~/.dbt", "an empty ~/.dbt"])
@pytest.mark.parametrize("verb", ["run", "ls", "compile"])
def test_no_profiles_yml(elt, tmp_path, monkeypatch, verb, has_folder):
    """Without profiles.yml the message shows the lines that are enough, where, and for which profile."""
    monkeypatch.setenv("HOME", str(tmp_path))
    if has_folder:
        (tmp_path / ".dbt").mkdir()
    shop = write_shop(tmp_path / "shop", {"profiles.yml": None})
    said = elt(verb, project=shop)
    assert said.code == 2
    assert f"Error [E033]: There is no profiles.yml in {shop} or {tmp_path}/.dbt." in said.err
    assert f"A profiles.yml beside dbt_project.yml is enough. Write {shop}/profiles.yml" in said.err
    assert LINES in said.err
    assert "--profiles-dir" in said.err


def test_the_shown_lines_are_sufficient(elt, tmp_path, monkeypatch):
    """What the message says, done, is a project that runs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    shop = write_shop(tmp_path / "shop", {"profiles.yml": None})
    (shop / "profiles.yml").write_text(dedent(LINES))
    assert elt("run", "--select", "stg_orders", project=shop).code == 0


@pytest.mark.parametrize("verb", ["run", "compile"])
def test_no_profile_of_that_name(elt, tmp_path, verb):
    """A profile that dbt_project.yml names and profiles.yml does not hold: both names, and the lines to add."""
    shop = write_shop(tmp_path, {"profiles.yml": "other: {target: dev, outputs: {dev: {type: duckdb}}}"})
    said = elt(verb, project=shop)
    assert said.code == 2
    assert (
        f"Error [E033]: {shop}/profiles.yml has no profile shop; it has other.\nAdd it to {shop}/profiles.yml"
        in said.err
    )
    assert LINES in said.err


def test_a_profile_that_the_command_line_names(elt, tmp_path):
    """The lines are for the profile of --profile."""
    elt("run", "--profile", "nope", project=write_shop(tmp_path)).refuses("has no profile nope; it has shop.", "nope:")


@pytest.mark.parametrize("text", ["", "shop:", "config: {}"])
def test_an_empty_profile(elt, tmp_path, text):
    """A profiles.yml without the profile is as one that does not name it."""
    said = elt("run", project=write_shop(tmp_path, {"profiles.yml": text}))
    said.refuses("/profiles.yml has no profile shop")
    assert LINES in said.err


def test_a_project_that_names_no_profile(elt, tmp_path):
    """The line to add, and the profiles that there are."""
    shop = write_shop(tmp_path, {"dbt_project.yml": "name: shop"})
    elt("run", project=shop).refuses(f"{shop}/dbt_project.yml names no profile.", "`profile: NAME`", "has shop.")


@pytest.mark.parametrize("verb", ["run", "compile"])
def test_no_target_of_that_name(elt, tmp_path, verb):
    """An unknown --target is told with those that there are."""
    shop = write_shop(tmp_path)
    said = elt(verb, "--target", "prod", project=shop)
    assert said.code == 2
    assert f"Error [E033]: The profile shop in {shop}/profiles.yml has no target prod; it has dev." in said.err
    assert "Choose a target with --target" in said.err


def test_a_profile_whose_own_target_is_missing(elt, tmp_path):
    """The same for the target that the profile names."""
    text = "shop: {target: prod, outputs: {dev: {type: duckdb}, ci: {type: duckdb}}}"
    elt("run", project=write_shop(tmp_path, {"profiles.yml": text})).refuses(
        "has no target prod; it has dev, ci.", "`target:` of the profile"
    )


def test_broken_profiles_yml(elt, tmp_path):
    """profiles.yml that is no YAML is told with the line."""
    elt("run", project=write_shop(tmp_path, {"profiles.yml": "shop: [oops: {"})).refuses(
        "Syntax error near line 2", f"Check {tmp_path}/profiles.yml"
    )


def test_a_variable_that_a_profile_needs(elt, tmp_path):
    """env_var() without a value names the variable."""
    shop = write_shop(tmp_path, profile("{type: duckdb, path: \"{{ env_var('SHOP_DATABASE') }}\"}"))
    elt("run", project=shop).refuses("'SHOP_DATABASE'", "Set that environment variable")


def test_an_adapter_that_is_not_installed(elt, tmp_path):
    """A target of an adapter that is missing names the package."""
    elt("run", project=write_shop(tmp_path, profile("{type: snowflake}"))).refuses(
        "The adapter of the target is not installed: snowflake.",
        f"{sys.executable} -m pip install dbt-snowflake",
        "--target",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: shop\n  bad: [", "Syntax error near line 2"),
        ("name: shop\nprofile: shop\nmodle-paths: [x]\n", "'modle-paths' was unexpected"),
        ("", "does not parse to a dictionary"),
    ],
)
def test_broken_dbt_project_yml(elt, tmp_path, text, told):
    """dbt_project.yml is named with what is wrong in it."""
    elt("run", project=write_shop(tmp_path, {"dbt_project.yml": text})).refuses(
        told, f"Check {tmp_path}/dbt_project.yml."
    )


def test_packages_that_are_not_installed(elt, tmp_path):
    """Packages of packages.yml that are missing: the command that installs them is told."""
    shop = write_shop(tmp_path, {"packages.yml": "packages: [{local: ../more}]"})
    elt("run", project=shop).refuses("packages.yml", f"elt dbt deps --project-dir {shop}")


FCT, YML = "models/marts/fct_orders.sql", "models/more.yml"
UNPARSED = {
    "a ref() of nothing": (
        {FCT: "select *\nfrom {{ ref('int_order') }}"},
        f"The model fct_orders ({FCT}:2) depends on int_order, but there is no model, seed or snapshot of that name.",
        f"Did you mean int_orders or stg_orders? Correct {FCT}:2 and run again.",
    ),
    "a source() of nothing": (
        {FCT: "select * from {{ source('raw', 'custmers') }}"},
        f"The model fct_orders ({FCT}:1) depends on raw.custmers, but there is no source of that name.",
        "Did you mean raw.customers or raw.orders?",
    ),
    "a ref() of nothing in a macro": (
        {"macros/m.sql": "{% macro m() %}{{ ref('int_order') }}{% endmacro %}", FCT: "select * from {{ m() }}"},
        f"The model fct_orders ({FCT}) depends on int_order,",
    ),
    "a ref() of another version": (
        {FCT: "select * from {{ ref('int_orders', v=3) }}"},
        f"The model fct_orders ({FCT}:1) depends on int_orders (version 3), but there is only another int_orders.",
    ),
    "a unit test of nothing": (
        {YML: "unit_tests: [{name: u, model: stg_ordrs, given: [], expect: {rows: []}}]"},
        f"The unit test u ({YML}:1) is of the model stg_ordrs, but there is no model of that name.",
        "Did you mean stg_orders",
    ),
    "Jinja in a model": (
        {FCT: "select *\nfrom {{ ref('int_orders' }}"},
        f"dbt cannot parse model fct_orders at {FCT}:2: unexpected '}}', expected ')' from {{{{ ref('int_orders'",
        f"Correct {FCT}:2 and run again.",
    ),
    "Jinja in the second macro of a file": (
        {"macros/m.sql": "\n\n{% macro a() %}{% endmacro %}\n{% macro b() %}\n{{ foo( }}{% endmacro %}"},
        "dbt cannot parse macros/m.sql:3: unexpected",
    ),
    "a macro without an end": (
        {"macros/m.sql": "{% macro a() %}{% endmacro %}\n{% macro b() %}"},
        "dbt cannot parse macros/m.sql:2: Reached EOF without finding a close tag for macro Correct",
    ),
    "Jinja in a description": (
        {YML: "models:\n- name: int_orders\n  description: \"{{ doc('x') }}\""},
        f"dbt cannot parse model int_orders at {YML}:3: Documentation for",
    ),
    "YAML": (
        {YML: "models:\n  - name: [\n"},
        f"dbt cannot parse {YML}:3: Syntax error",
    ),
    "an entry of a YAML file": (
        {YML: "models:\n  - name: int_orders\n    columns: 5"},
        f"dbt cannot parse model int_orders at {YML}:2: columns: 5 is not of type 'array'",
    ),
    "two entries for a model": (
        {YML: "models: [{name: stg_orders}]"},
        "The resource stg_orders has two entries, in ",
        f"{YML}:1",
        "models/staging/staging.yml:4",
    ),
    "two models of one name": (
        {"models/more/fct_orders.sql": "select 1 as a"},
        f"The model fct_orders is defined in {FCT} and models/more/fct_orders.sql.",
    ),
    "two macros of one name": (
        {"macros/m.sql": "{% macro x() %}{% endmacro %}\n{% macro x() %}{% endmacro %}"},
        "The macro x is defined twice in macros/m.sql.",
    ),
    "a configuration of a wrong type": (
        {FCT: "select 1\n{{ config(enabled=[]) }}"},
        f"dbt cannot parse model fct_orders at {FCT}:2: enabled: [] is not of type 'boolean'",
    ),
    "a Python model": (
        {"models/marts/guess.py": "\nx = 1\ndef model(dbt, session)\n  return 1\n"},
        "dbt cannot parse model guess at models/marts/guess.py:2: expected ':' def model",
    ),
    "no literal in a Python model": (
        {"models/marts/guess.py": "def model(dbt, session):\n  x = 'a'\n  return dbt.ref(x)\n"},
        "dbt cannot parse model guess at models/marts/guess.py:3: dbt.ref(), dbt.source() and dbt.config() take only",
    ),
    "a Python file without a model": (
        {"models/marts/guess.py": "x = 1\n"},
        "dbt cannot parse model guess in models/marts/guess.py: dbt allows exactly one model",
    ),
    "a selector": (
        {"selectors.yml": "selectors: [{name: a, definition: {nope: tag}}]"},
        "dbt cannot parse selectors.yml: 'nope' is not a valid method name",
    ),
}


@pytest.mark.parametrize("mistake", UNPARSED)
def test_what_dbt_cannot_parse_is_named_with_its_line(elt, tmp_path, mistake):
    """The object, the file from the project's root, the line in that file, and similar names; then dbt's words."""
    files, first, *more = UNPARSED[mistake]
    elt("plan", project=write_shop(tmp_path, files)).refuses(f"Error [E035]: {first}", *more)


def test_a_disabled_parent_is_named(elt, tmp_path):
    """It is said that the parent is disabled, and not that the manifest is damaged."""
    shop = write_shop(tmp_path, {"models/staging/stg_orders.sql": "{{ config(enabled=false) }} select 1 as a"})
    elt("plan", project=shop).refuses("depends on model.shop.stg_orders, which is disabled. Enable", "Enable")


def test_a_folder_that_dbt_cannot_use(elt, tmp_path):
    """A file in the place of dbt's target folder is named."""
    shop = write_shop(tmp_path, {"target": "not a folder"})
    elt("run", project=shop).refuses(f"dbt cannot use {shop}/target", "permissions")


def test_a_file_that_is_not_text(elt, tmp_path):
    """A file in another encoding than UTF-8 is named."""
    shop = write_shop(tmp_path)
    (shop / "models/latin.sql").write_bytes("select 'é' as letter".encode("latin-1"))
    elt("run", project=shop).refuses("dbt reads files as UTF-8, and this is not UTF-8: models/latin.sql.")


@pytest.mark.parametrize("verb", ["run", "ls"])
def test_models_in_a_circle(elt, tmp_path, verb):
    """A cycle prints its path."""
    shop = write_shop(tmp_path, {"models/marts/int_orders.sql": "select * from {{ ref('fct_orders') }}"})
    elt(verb, project=shop).refuses("in a cycle", "model.shop.int_orders → model.shop.fct_orders")


STATE = ("run", "--select", "state:modified", "--state")


def test_a_state_without_manifest(elt, tmp_path):
    """state: without a manifest to compare with says what --state takes."""
    shop = write_shop(tmp_path)
    elt(*STATE, shop / "old", project=shop).refuses(f"The folder of --state does not exist: {shop}/old")
    (shop / "old").mkdir()
    elt(*STATE, shop / "old", project=shop).refuses("--state names no folder with a manifest.json")


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ('{"metadata": {"dbt_sch', "as JSON: Unterminated string"),
        (
            json.dumps({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v3.json"}}),
            "v3.json",
        ),
    ],
)
def test_a_state_that_cannot_be_read(elt, tmp_path, manifest, told):
    """A manifest that was cut short, or of another version, is named."""
    shop = write_shop(tmp_path, {"old/manifest.json": manifest})
    elt(*STATE, shop / "old", project=shop).refuses(told, f"{shop}/old/manifest.json", "dbt 1.8 to 1.12")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--defer",), "--state or --defer-state are required for deferral"),
        (("--defer", "--state", "models"), "Could not find manifest in --state path"),
    ],
)
def test_deferral_without_a_manifest(elt, tmp_path, words, told):
    """--defer says which manifest it lacks."""
    shop = write_shop(tmp_path)
    words = (shop / word if word == "models" else word for word in words)
    elt("run", *words, project=shop).refuses(told, "manifest.json of an earlier run")


def test_the_live_target_as_state(elt, tmp_path):
    """--state must not be the folder that the command writes to."""
    shop = write_shop(tmp_path)
    elt("run", "--state", shop / "target", project=shop).refuses("the live target folder", "Copy")


def test_no_manifest_is_kept_when_none_is_wanted(elt, tmp_path):
    """--no-write-json leaves no manifest behind, and the run does not need one."""
    shop = write_shop(tmp_path)
    assert elt("run", "--no-write-json", "--select", "stg_orders", project=shop).code == 0
    assert not (shop / "target/manifest.json").exists()


CRASHES = {
    "a version that is no mapping": (
        {"models/x.yml": "models: [{name: stg_orders, versions: [1]}]"},
        "dbt crashed while it read models/x.yml: TypeError",
    ),
    "a hook that is no text": (
        {"models/r.sql": "{{ config(post_hook=5) }} select 1"},
        "dbt crashed while it read model r in models/r.sql: TypeError",
    ),
    "braces in an external location": (
        {
            "models/x.yml": """
                sources:
                  - name: files
                    config: {meta: {external_location: "a_{day}.csv"}}
                    tables: [{name: visits}]
                """,
            "models/y.sql": "select * from {{ source('files', 'visits') }}",
        },
        "dbt crashed while it read source files.visits in models/x.yml:4: KeyError: 'day'",
    ),
    "a package that is no mapping": (
        {"packages.yml": "packages: [5]"},
        "dbt crashed while it read dbt_project.yml, packages.yml or profiles.yml: TypeError",
    ),
    "catalogs that are no list": (
        {"catalogs.yml": "catalogs: 5"},
        "dbt crashed while it read dbt_project.yml, catalogs.yml or profiles.yml: TypeError",
    ),
    "profiles that are a list": ({"profiles.yml": "[1]"}, "dbt crashed while it read dbt_project.yml or profiles.yml"),
}


@pytest.mark.parametrize("mistake", CRASHES)
def test_a_crash_inside_dbt_names_the_file(elt, tmp_path, mistake):
    """And what to do, without a traceback: it is no bug of elt."""
    files, told = CRASHES[mistake]
    shop = write_shop(tmp_path, files)
    elt("plan", project=shop).refuses(told, "formatter: oldstyle" if "braces" in mistake else "--debug")


@pytest.mark.parametrize("name", ["packages.yml", "dependencies.yml"])
def test_a_syntax_error_in_a_file_beside_the_project_names_that_file(elt, tmp_path, name):
    """dbt_project.yml, which dbt reads with it, is not blamed."""
    said = elt("plan", project=write_shop(tmp_path, {name: "packages: [\n"}))
    assert said.code == 2
    assert f"{name} cannot be read: Syntax error" in said.err
    assert "dbt_project.yml" not in said.err


def test_a_syntax_error_in_a_file_that_dbt_does_not_name(elt, tmp_path):
    """dbt says `in "<unicode string>"`."""
    shop = write_shop(tmp_path, {"catalogs.yml": "["})
    elt("plan", project=shop).refuses("dbt cannot parse catalogs.yml", "Correct catalogs.yml")


@pytest.mark.skipif(not installed_release().reads_env_file, reason="dbt 1.12 and later")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("x: [", "dbt cannot parse vars.yml"),
        ("5", "read vars.yml: "),
        ("vars: 5", "read dbt_project.yml, vars.yml or "),
    ],
)
def test_a_mistake_in_vars_yml_is_found_there(elt, tmp_path, content, told):
    """dbt reads it before dbt_project.yml."""
    elt("plan", project=write_shop(tmp_path, {"vars.yml": content})).refuses(told)


def test_a_mistake_that_dbt_finds_in_the_parsed_project_is_not_blamed_on_what_it_parsed_last(elt, tmp_path):
    """dbt names the model and its file."""
    shop = write_shop(tmp_path, {"models/a report.sql": "select 1 as id"})
    elt("plan", project=shop).refuses(
        "dbt cannot parse models/a report.sql: Resource names cannot contain spaces", "Correct models/a report.sql and"
    )
