"""On PostgreSQL: what plain dbt built is adopted by what copies of it hold, for no file says when it was written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.adopted_tables import Adoption, adopt
from orchestrator.adoption.ruling import RulingAct
from orchestrator.api import Command, run
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep
from tests.functional.postgres.server import PASSWORD
from tests.functional.reuse.quay import FILES

pytestmark = pytest.mark.functional
LOADED = """
    create schema ext; create table ext.boats (id integer, port varchar, tons integer);
    insert into ext.boats values (1, 'A', 5), (2, 'B', 7)
"""


@pytest.fixture(scope="module")
def built(server, new_database, tmp_path_factory) -> tuple[Path, str]:
    """The project after a plain `dbt build`, with its artifacts in `built`, and the name of its database."""
    root, database = tmp_path_factory.mktemp("quay"), new_database()
    server.rows(f"{LOADED}; select 1", database=database)
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text).lstrip())
    (root / "models/berths.sql").write_text(
        "select id, port, {{ twice('tons') }} as tons from {{ ref('mid') }} where tons >= {{ var('least') }}\n"
    )
    write_profile(root, server, database)
    program = Path(sys.executable).with_name("dbt")
    line = [str(program), "build", "--profiles-dir", str(root), "--project-dir", str(root)]
    subprocess.run(line, check=True, capture_output=True, cwd=root)
    shutil.copytree(root / "target", root / "built")
    return root, database


def write_profile(root: Path, server, database: str) -> None:
    """Let the project build in a database."""
    os.environ["QUAY_PASSWORD"] = PASSWORD  # no file of a test may hold it
    password = "{{ env_var('QUAY_PASSWORD') }}"
    there = f'host: {server.host}, port: {server.port}, user: postgres, pass: "{password}", dbname: {database}'
    outputs = f"dev: {{type: postgres, {there}, schema: quay, threads: 2}}"
    (root / "profiles.yml").write_text(f"quay: {{target: dev, outputs: {{{outputs}}}}}\n")


def names(found: Adoption, act: RulingAct = RulingAct.ADOPT) -> set[str]:
    """Return the names of what is built, by what became of it."""
    return {one.step.name for one in found.nodes if isinstance(one.step, BuildStep) and one.ruling.act is act}


def test_copies_prove_seeds_views_and_tables(built, server):
    """Tables with --verify only, and none that differs; incremental models and snapshots never. The rest is reused."""
    root, database = built
    command = Command(project_dir=root, profiles_dir=root)
    found = adopt(command, root / "built", dry_run=True)
    assert names(found, RulingAct.COMPARE) == {"ports", "stg_boats"}
    told = {one.step.name: one.ruling.reason for one in found.nodes}
    assert told["berths"] == (
        "PostgreSQL does not say when a table was last written; --verify can show that it is equal to a copy"
    )
    server.rows("update quay.by_port set tons = 0 where name = 'Aden'; select 1", database=database)
    found = adopt(command, root / "built", verify=True)
    told = {one.step.name: one.ruling.reason for one in found.nodes}
    assert names(found) == {"ports", "stg_boats", "berths"}
    assert told["by_port"] == "its rows are not those that it would have now: 2 differ"
    assert told["log"] == "PostgreSQL does not say when a table was last written"
    assert server.rows("select 1 from pg_namespace where nspname like '\\_elt\\_verify%'", database=database) == []
    ran = run(Command(project_dir=root, profiles_dir=root, skip_unchanged=True, tests=False))
    reused = {ran.plan.by_id[one.step_id].name for one in ran.outcomes if one.status is Status.REUSED}
    assert reused == {"ports", "stg_boats", "berths"}
    assert server.rows("select tons from quay.by_port where name = 'Aden'", database=database) == [(10,)]
