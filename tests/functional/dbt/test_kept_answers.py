"""A command that only reads is answered from what dbt said before, exactly as long as nothing has changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.api import plan
from orchestrator.cli.main import run_command_line
from orchestrator.plan.command import Command
from tests.functional.dbt.kept import CHANGES, PACKAGE, PROFILE, PROJECT, kept, planned, settled
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return settled(write_shop(tmp_path / "shop", {"models/docs.md": "{% docs a %}x{% enddocs %}", **PACKAGE}))


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


def test_a_plan_after_a_run_starts_from_what_dbt_answered_to_the_run(shop: Path, opened, capfd) -> None:
    """A run keeps the answers too, and its command line is that of a plan."""
    assert run_command_line(["run", "--project-dir", str(shop)]) == 0
    opened.clear()
    found = planned(shop, capfd, "--skip-unchanged")
    assert opened == []
    assert {step["decision"]["act"] for step in found["steps"]} == {"reuse"}


def test_an_answer_that_is_not_kept_opens_dbt_and_is_kept_then(shop: Path, opened, capfd) -> None:
    """After an edit of a model that was built, its compiled code is compared; that is dbt's to say."""
    assert run_command_line(["run", "--project-dir", str(shop)]) == 0
    (shop / "models/marts/fct_orders.sql").write_text("select order_id, amount from {{ ref('int_orders') }}")
    settled(shop)
    opened.clear()
    first = planned(shop, capfd, "--skip-unchanged")
    assert planned(shop, capfd, "--skip-unchanged") == first
    assert len(opened) == 2  # what a node compiles to is not kept
    assert "run" in {step["decision"]["act"] for step in first["steps"]}
