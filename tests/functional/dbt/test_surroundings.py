"""What a session knows of the world around a project, read off real profiles."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.adapters.dbt.dbt_surroundings import (
    CHANGES_EACH_TIME,
    connection_settings,
    limiting_flags,
    readable_flags,
    settings_of_all,
)
from orchestrator.adapters.dbt.session import DbtSession

pytestmark = pytest.mark.functional


@contextmanager
def opened(folder: Path, output: str, *args: str, project: str = "", command: str = "build") -> Iterator[DbtSession]:
    """Open a session of an empty project with this output in its profile."""
    folder.mkdir(exist_ok=True)
    (folder / "dbt_project.yml").write_text(f"name: shop\nversion: '1.0'\nprofile: shop\n{project}")
    indented = "".join(f"      {line}\n" for line in dedent(output).strip().splitlines())
    (folder / "profiles.yml").write_text(f"shop:\n  target: dev\n  outputs:\n    dev:\n{indented}")
    session = DbtSession(folder)
    session.open([command, "--project-dir", str(folder), "--profiles-dir", str(folder), *args])
    try:
        yield session
    finally:
        session.close()


DUCKDB = """
    type: duckdb
    path: wh.duckdb
    threads: 3
    settings: {TimeZone: UTC, motherduck_token: hush}
    extensions: [json]
    secrets:
      - {type: s3, name: mine, key_id: a, secret: b}
    retries: {connect_attempts: 2}
    """


def test_settings_of_a_target_are_those_that_change_results(tmp_path: Path) -> None:
    """Not where it is, how it is reached, or how many threads there are; tokens are no part of it."""
    with opened(tmp_path, DUCKDB) as session:
        found = connection_settings(session)
    assert found.keys() == {"settings", "extensions", "secrets", "external_root"}
    assert found["settings"] == {"TimeZone": "UTC"}


def test_the_type_of_a_secret_counts(tmp_path: Path) -> None:
    """dbt-duckdb takes it out of the profile's own list."""
    with opened(tmp_path, DUCKDB) as session:
        before = connection_settings(session)
    with opened(tmp_path, DUCKDB.replace("type: s3", "type: r2")) as session:
        assert connection_settings(session)["secrets"] != before["secrets"]


def test_attached_databases_and_plugins_count(tmp_path: Path) -> None:
    """With all that is said of them."""
    output = """
        type: duckdb
        path: wh.duckdb
        attach: [{path: other.duckdb, alias: other, read_only: true}]
        plugins: [{module: excel, config: {a: 1}}]
        disable_transactions: true
        """
    with opened(tmp_path, output) as session:
        found = connection_settings(session)
    assert found.keys() == {"attach", "plugins", "disable_transactions", "external_root"}


def test_the_postgres_user_counts_and_the_host_does_not(tmp_path: Path) -> None:
    """A role and a search path decide what names mean."""
    output = """
        type: postgres
        host: localhost
        port: 5432
        user: me
        password: hush
        dbname: shop
        schema: main
        role: reader
        search_path: a, b
        sslmode: prefer
        """
    with opened(tmp_path, output) as session:
        assert connection_settings(session) == {"user": "me", "role": "reader", "search_path": "a, b"}


def test_every_flag_that_a_text_can_read_has_a_value(tmp_path: Path) -> None:
    """As dbt shows it to Jinja."""
    with opened(tmp_path, DUCKDB, "--full-refresh"):
        fresh = readable_flags()
    with opened(tmp_path, DUCKDB):
        plain = readable_flags()
    assert fresh["FULL_REFRESH"] == "True"
    assert plain["FULL_REFRESH"] != "True"
    assert {"WHICH", "STORE_FAILURES", "EMPTY", "TARGET_PATH", *CHANGES_EACH_TIME} <= plain.keys()
    changed = {name for name in plain if plain[name] != fresh[name]}
    assert changed == {"FULL_REFRESH", *CHANGES_EACH_TIME}


def test_only_limiting_flags_that_are_set_count(tmp_path: Path) -> None:
    """By the names of their options."""
    given = ("--empty", "--event-time-start", "2024-01-01", "--event-time-end", "2024-01-02")
    with opened(tmp_path, DUCKDB, *given) as session:
        assert limiting_flags(session).keys() == {"empty", "event-time-start", "event-time-end"}
    with opened(tmp_path, DUCKDB, "--sample", "{'start': '2024-01-01', 'end': '2024-01-02'}") as session:
        sample = limiting_flags(session)
    assert sample.keys() == {"sample"}
    assert "2024" in sample["sample"]
    assert " at 0x" not in sample["sample"]
    with opened(tmp_path, DUCKDB) as session:
        assert limiting_flags(session) == {}


def test_project_flags_count_unless_they_only_control_output(tmp_path: Path) -> None:
    """A batched custom strategy builds something else; the order of dispatch picks other macros."""
    project = """
flags: {require_batched_execution_for_custom_microbatch_strategy: true, printer_width: 100}
dispatch: [{macro_namespace: dbt, search_order: [shop, dbt]}]
"""
    with opened(tmp_path, DUCKDB, project=project) as session:
        found = settings_of_all(session)
    assert found["flags"] == {"require_batched_execution_for_custom_microbatch_strategy": True}
    assert found.keys() == {"flags", "dispatch"}
    with opened(tmp_path, DUCKDB) as session:
        assert settings_of_all(session) == {}
