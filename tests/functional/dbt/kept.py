"""A shop of which dbt's answers are kept, and edits of each kind of input that they depend on."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.cli.main import run_command_line

Change = Callable[[Path, pytest.MonkeyPatch], None]
PACKAGE = {
    "packages.yml": "packages: [{local: packages/money}]\n",
    "packages/money/dbt_project.yml": "name: money\nversion: '1.0'\n",
    "packages/money/macros/cents.sql": "{% macro cents(column) %}{{ column }} * 100{% endmacro %}\n",
}
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
PROFILE = "shop: {target: dev, outputs: {%s}}\n"
DEV = "dev: {type: duckdb, path: shop.duckdb, threads: %s}"


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
