"""A command that only reads is answered from what dbt said before, exactly as long as nothing has changed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.api import plan
from orchestrator.cli.main import run_command_line
from orchestrator.plan.command import Command
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

PACKAGE = {
    "packages.yml": "packages: [{local: packages/money}]\n",
    "packages/money/dbt_project.yml": "name: money\nversion: '1.0'\n",
    "packages/money/macros/cents.sql": "{% macro cents(column) %}{{ column }} * 100{% endmacro %}\n",
}
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
PROFILE = "shop: {target: dev, outputs: {%s}}\n"
DEV = "dev: {type: duckdb, path: shop.duckdb, threads: %s}"


@pytest.fixture
def opened(monkeypatch) -> list[tuple[str, ...]]:
    """The command lines for which dbt was opened."""
    found: list[tuple[str, ...]] = []
    really_open = DbtSession.open

    def noted(session, args, run_vars=None):
        found.append(tuple(args))
        return really_open(session, args, run_vars or {})

    monkeypatch.setattr(DbtSession, "open", noted)
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return settled(write_shop(tmp_path / "shop", {"models/docs.md": "{% docs a %}x{% enddocs %}", **PACKAGE}))


def settled(root: Path) -> Path:
    """Install the package, and wait until the files are older than any parse."""
    (root / "dbt_packages").mkdir(exist_ok=True)
    link = root / "dbt_packages/money"
    if (root / "packages").is_dir() and not link.exists():
        link.symlink_to(root / "packages/money")
    time.sleep(0.05)
    return root


def planned(root: Path, capfd, *words: str) -> dict:
    capfd.readouterr()
    code = run_command_line(["plan", "--json", "--project-dir", str(root), *words])
    out, err = capfd.readouterr()
    assert code == 0, err
    return json.loads(out)


def kept(root: Path) -> list[Path]:
    return [*(root / ".elt/parsed").glob("*.parse")]


def test_the_second_plan_of_an_unchanged_project_does_not_open_dbt(shop: Path, opened, capfd) -> None:
    """It is the same plan."""
    first = planned(shop, capfd)
    assert len(opened) == 1
    assert planned(shop, capfd) == first
    assert len(opened) == 1


def test_a_kept_plan_does_not_import_dbt(shop: Path) -> None:
    """Importing it takes longer than everything else."""
    code = (
        "import sys\nfrom orchestrator.cli.main import run_command_line\n"
        f"code = run_command_line(['plan', '--project-dir', {str(shop)!r}])\n"
        "print('LOADED', code, *sorted({name.partition('.')[0] for name in sys.modules} & {'dbt', 'dbt_common'}))"
    )

    def loaded() -> str:
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return said.stdout.splitlines()[-1]

    assert loaded() == "LOADED 0 dbt dbt_common"
    assert loaded() == "LOADED 0"


def edit(name: str, text: str | None):
    def change(root: Path, _monkeypatch) -> None:
        path = root / name
        path.parent.mkdir(exist_ok=True)
        before = path.stat() if path.exists() else None
        if text is None:
            path.unlink()
            return
        path.write_text(text)
        if before is not None:  # as a tool does that restores times
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return change


def point_elsewhere(root: Path, _monkeypatch) -> None:
    other = root / "packages/other"
    (other / "macros").mkdir(parents=True)
    (other / "dbt_project.yml").write_text("name: money\nversion: '1.0'\nmodels: {+tags: [x]}\n")
    link = root / "dbt_packages/money"
    link.unlink()
    link.symlink_to(other)


CHANGES = {
    "the text of a model": edit("models/marts/fct_orders.sql", "select * from {{ ref('int_orders') }}"),
    "a new model": edit("models/marts/more.sql", "select 1 as id"),
    "a removed model": edit("models/marts/dim_customers.sql", None),
    "a property": edit(
        "models/sources.yml", "sources: [{name: raw, schema: raw, tables: [{name: customers}, {name: orders}]}]"
    ),
    "a macro": edit("macros/generate_schema_name.sql", "{% macro generate_schema_name(a, b) %}other{% endmacro %}"),
    "a macro of a package": edit("packages/money/macros/cents.sql", "{% macro cents(column) %}1{% endmacro %}"),
    "the folder of a package": point_elsewhere,
    "the project": edit("dbt_project.yml", "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+tags: [daily]}\n"),
    "the profile": edit("profiles.yml", PROFILE % (DEV % 2)),
    "selectors": edit("selectors.yml", "selectors: [{name: a, default: true, definition: stg_orders}]"),
    "a docs block": edit("models/docs.md", "{% docs b %}y{% enddocs %}"),
    "a variable of dbt": lambda _root, monkeypatch: monkeypatch.setenv("DBT_INDIRECT_SELECTION", "cautious"),
    "the target folder removed": lambda root, _: (root / "target/manifest.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_dbt_is_asked_again_after_a_change_of(shop: Path, opened, capfd, monkeypatch, change) -> None:
    """The plan is then the one that dbt gives without anything kept."""
    planned(shop, capfd)
    change(shop, monkeypatch)
    found = planned(shop, capfd)
    assert len(opened) == 2
    for file in kept(shop):
        file.unlink()
    assert planned(shop, capfd) == found
    assert len(opened) == 3


def test_a_variable_that_is_asked_for_counts_also_if_it_is_not_set(tmp_path: Path, opened, capfd, monkeypatch) -> None:
    """Its default was used before."""
    text = "{{ config(alias=env_var('SHOP_ALIAS', 'usual')) }} select 1 as id"
    root = settled(write_shop(tmp_path / "shop", {"models/named.sql": text}))
    planned(root, capfd)
    monkeypatch.setenv("UNRELATED", "1")
    planned(root, capfd)
    assert len(opened) == 1
    monkeypatch.setenv("SHOP_ALIAS", "other")
    steps = planned(root, capfd, "--select", "named")["steps"]
    assert [step["writes"][0]["identifier"] for step in steps] == ["other"]


def test_each_command_line_has_answers_of_its_own(shop: Path, opened, capfd) -> None:
    """Another selection is another question."""
    whole = planned(shop, capfd)
    part = planned(shop, capfd, "--select", "stg_orders")
    assert len(opened) == 2
    assert (planned(shop, capfd), planned(shop, capfd, "--select", "stg_orders")) == (whole, part)
    assert len(opened) == 2


def test_a_project_that_is_edited_while_dbt_reads_it_is_not_kept(shop: Path, opened, capfd) -> None:
    """What was parsed may be of before or after."""
    (shop / "models/marts/fct_orders.sql").write_text("select * from {{ ref('int_orders') }} where true")
    really_parse = DbtSession.parse

    def edited(session, *args):
        found = really_parse(session, *args)
        (shop / "models/marts/fct_orders.sql").write_text("select * from {{ ref('int_orders') }} where false")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DbtSession, "parse", edited)
        planned(shop, capfd)
    assert kept(shop) == []


def test_warnings_of_the_parse_are_given_again(tmp_path: Path, opened) -> None:
    """A kept answer says what dbt said."""
    yml = "models: [{name: no_such_model, description: x}]\n"
    root = settled(write_shop(tmp_path / "shop", {"models/more.yml": yml}))

    def told() -> list[str]:
        return [notice.message for notice in plan(Command(project_dir=root)).notices]

    first = told()
    assert any("no_such_model" in message for message in first)
    assert told() == first
    assert len(opened) == 1


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"{not json\n", None])
def test_a_damaged_file_counts_as_missing(shop: Path, opened, capfd, damage) -> None:
    """Also one of which only the end is missing."""
    first = planned(shop, capfd)
    (file,) = kept(shop)
    file.write_bytes(file.read_bytes()[:-10] if damage is None else damage)
    assert planned(shop, capfd) == first
    assert len(opened) == 2


NOT_KEPT = {
    "a clock in dbt_project.yml": ({"dbt_project.yml": f"{PROJECT}vars: {{d: '{{{{ run_started_at }}}}'}}\n"}, ()),
    "a secret in the profile": (
        {
            "profiles.yml": PROFILE
            % "dev: {type: duckdb, path: shop.duckdb, settings: {s3_secret_access_key: pa55word-x}}"
        },
        (),
    ),
    "a secret among the vars": ({}, ("--vars", "{api_token: pa55word-x}")),
    "no partial parse": ({}, ("--no-partial-parse",)),
    "a schema prefix": ({}, ("--schema-prefix", "pr_")),
}


@pytest.mark.parametrize(("files", "words"), NOT_KEPT.values(), ids=NOT_KEPT)
def test_what_cannot_be_compared_or_is_secret_is_not_kept(tmp_path: Path, opened, capfd, files, words) -> None:
    """dbt is asked each time, and no secret is on the disk."""
    root = settled(write_shop(tmp_path / "shop", files))
    planned(root, capfd, *words)
    planned(root, capfd, *words)
    assert len(opened) == 2
    assert kept(root) == []
    assert not any(b"pa55word-x" in file.read_bytes() for file in (root / ".elt").rglob("*") if file.is_file())


def test_an_answer_that_is_not_kept_opens_dbt_and_is_kept_then(shop: Path, opened, capfd) -> None:
    """After an edit of a model that is built, its compiled code is compared; that is dbt's to say."""
    assert run_command_line(["run", "--project-dir", str(shop)]) == 0
    opened.clear()
    planned(shop, capfd, "--skip-unchanged")
    first = planned(shop, capfd, "--skip-unchanged")
    assert len(opened) == 1
    assert {step["decision"]["act"] for step in first["steps"]} == {"reuse"}
