"""Targets that elt.yml protects: what empties, rebuilds or forgets needs consent there."""

import os
import pty
import re
import select
import time
from itertools import product

import pytest

from tests.cli.conftest import start
from tests.functional.shop import sql, write_shop
from tests.sweeps import SWEEP

pytestmark = pytest.mark.functional

PROTECTED = {
    "elt.yml": "protected_targets: [dev]\n",
    "models/log.sql": "{{ config(materialized='incremental') }} select 1 as x",
}


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path, PROTECTED)


VERBS = (("run",), ("build",), ("seed",), ("dbt", "build"), ("dbt", "run"))
OPTIONS = ("--full-refresh", "--empty", "-f", "--sample=1 day")


@pytest.mark.parametrize(("verb", "option"), SWEEP.share(list(product(VERBS, OPTIONS)), smoke=6))
def test_commands_that_empty_or_rebuild_are_refused_without_consent(elt, shop, verb, option):
    """Not on a terminal there is no question: the message names the option that consents, and nothing is built."""
    said = elt(*verb, "--select", "log", option, project=shop)
    assert said.code == 2
    assert "Error [E022]: The target dev is protected, and --" in said.err
    assert f"Give --yes to do it anyway. Protected targets are listed in {shop}/elt.yml" in said.err
    assert sql(shop, "from duckdb_tables() where table_name = 'log'") == []


@pytest.mark.parametrize("verb", [("run", "--no-tests"), ("dbt", "run", "--quiet")])
def test_yes_gives_consent(elt, shop, verb):
    """With --yes it is done."""
    assert elt(*verb, "--select", "log", "--full-refresh", "--yes", project=shop).code == 0
    assert sql(shop, "select x from main.log") == [(1,)]


def test_commands_that_change_no_existing_relation_need_no_consent(elt, shop):
    """A run as every night, a plan of a full refresh, and commands of dbt that only read."""
    assert elt("run", "--select", "log", project=shop).code == 0
    assert elt("plan", "--select", "log", "--full-refresh", project=shop).code == 0
    assert elt("dbt", "run", "--quiet", "--select", "log", project=shop).code == 0
    assert elt("compile", "-q", "--select", "log", "--full-refresh", project=shop).code == 0


def test_another_target_needs_no_consent(elt, tmp_path):
    """Only what is listed is protected; one name needs no brackets."""
    shop = write_shop(tmp_path, {**PROTECTED, "elt.yml": "protected_targets: prod"})
    assert elt("run", "--select", "log", "--full-refresh", project=shop).code == 0


def test_a_dbt_environment_variable_needs_consent_too(elt, shop, monkeypatch):
    """What dbt is asked for counts, however it is asked."""
    monkeypatch.setenv("DBT_FULL_REFRESH", "true")
    elt("run", "--select", "log", project=shop).refuses("The target dev is protected, and --full-refresh", "--yes")


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_a_full_refresh_that_is_repeated_needs_consent_again(elt, tmp_path, verb):
    """A recorded run keeps its options, not the consent."""
    shop = write_shop(tmp_path, {**PROTECTED, "models/wrong.sql": "selec 1"})
    assert elt("run", "--select", "wrong", "--full-refresh", "--yes", project=shop).code == 1
    elt(verb, project=shop).refuses("The target dev is protected, and --full-refresh", "--yes")
    assert elt(verb, "--yes", project=shop).code == 1


def test_runs_of_a_protected_target_are_pruned_with_consent(elt, shop):
    """history prune names the target; what is kept anyway needs no consent."""
    for _ in range(2):
        elt("run", "-q", "--select", "log", project=shop)
    elt("history", "prune", "--keep", "1", project=shop).refuses(
        "The target dev is protected, and the record of its runs before the newest 1 would be deleted.", "--yes"
    )
    assert elt("history", "prune", "--keep", "2", project=shop).code == 0
    assert "1 run deleted" in elt("history", "prune", "--keep", "1", "--yes", project=shop).out


def test_dbt_retry_needs_consent(elt, shop):
    """It repeats an earlier command with its options and its target, whatever they were."""
    said = elt("dbt", "retry", project=shop)
    assert said.code == 2
    assert "The target dev is protected, and dbt retry may drop tables" in said.err
    assert "--yes" in said.err


def test_a_target_that_the_profile_does_not_have_is_noted(elt, shop):
    """It may be misspelt; another machine's profile may have it."""
    (shop / "elt.yml").write_text("protected_targets: [deev, prod]\npublish_copy: {de: copy.duckdb}")
    elt("plan", "--select", "log", project=shop).reports(
        "protected_targets in",
        "names deev, and the profile has only dev. Did you mean 'dev'?",
        "names prod, and the profile has only dev",
        "publish_copy in",
        code=0,
    )


def answering(answer: str, *words: str, project) -> tuple[int, str]:
    """Run on a terminal and answer its question; give the exit code and what was shown."""
    ours, theirs = pty.openpty()
    run = start(*words, project=project, env={"TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, answered, until = "", False, time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if select.select([ours], [], [], 1)[0]:
                shown += os.read(ours, 4096).decode(errors="replace")
        except OSError:  # Linux: the other end was closed
            break
        if not answered and "[y/N]" in shown:
            os.write(ours, f"{answer}\n".encode())
            answered = True
    os.close(ours)
    return run.wait(timeout=60), shown


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_on_a_terminal_there_is_a_question(shop, answer, code):
    """Only a yes goes on; nothing said is a no."""
    ended, shown = answering(answer, "run", "--select", "log", "--full-refresh", project=shop)
    assert ended == code, shown
    assert re.search(r"The target dev is protected, and --full-refresh .* Go on\? \[y/N\]", shown)
    assert len(sql(shop, "from duckdb_tables() where table_name = 'log'")) == (1 if code == 0 else 0)
