"""How the command line is spoken to, and how it speaks: exit codes, options, pipes, completion."""

import json
import os
import platform
import pty
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from orchestrator.cli.main import cli
from orchestrator.cli.verbs import VERBS
from tests.cli.conftest import ELT, Said, ended, really_start, start
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

FOR_HOURS = "select count(*) as n from range(1) t(i) where sleep_ms(3600000 + i) is null"
SLOW = {"models/slow.sql": f"{{{{ config(materialized='table') }}}} {FOR_HOURS}"}
CODES = {0: "green", 1: "failing", 2: "usage", 3: "bug", 130: "interrupted"}
DOCUMENTED = Path(__file__).parents[2] / "docs/commands.md"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return write_shop(
        tmp_path_factory.mktemp("shop"),
        {"models/wrong.sql": "selec 1", "models/said.sql": "{{ print('hello') }} select 1 as x"},
    )


def test_exit_code_of_success(elt, shop):
    """0: everything that ran succeeded."""
    assert elt("run", "--select", "stg_orders", project=shop).code == 0


def test_exit_code_of_a_failure(elt, shop):
    """1: a step failed or errored."""
    assert elt("run", "--select", "wrong", project=shop).code == 1


def test_exit_code_of_usage(elt):
    """2: the command line says something that cannot be."""
    assert elt("run", "--nonsense").code == 2


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--repeats", "often", "expected a whole number from 0 to 100, or none"),
        ("--time-limit", "soon", "expected a duration such as 60s, 5min or 1h, or none"),
        ("--lock-timeout", "5 weeks", "expected a duration such as 60s, 5min or 1h"),
        ("--lock-timeout", "-1", "expected a duration such as 60s, 5min or 1h"),
        ("--grace", "-1", "expected a duration such as 60s, 5min or 1h"),
        ("--verify-reuse", "5", "expected a share of all, such as 5% or 0.05"),
    ],
)
def test_repeats_sizes_and_durations_must_be_parsable(elt, option, value, told):
    """2: the option, its value, and what it takes."""
    said = elt("run", option, value)
    assert said.code == 2
    assert f"Invalid value for '{option}': '{value}': {told}" in said.err


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("40", 40), ("0.5", 0.5), (".5", 0.5), ("40s", 40), ("500ms", 0.5), ("1.5 min", 90)],
)
@pytest.mark.parametrize("verb", ["run", "plan", "seed", "resume", "retry", "ingest", "test", "freshness"])
def test_the_lock_timeout_is_a_duration_as_in_elt_yml(verb, value, seconds):
    """A number alone is seconds."""
    command = cli.get_command(click.Context(cli), verb)
    assert command.make_context(verb, ["--lock-timeout", value]).params["lock_timeout"] == seconds


@pytest.mark.parametrize(("value", "seconds"), [("2h", 7200), ("none", 0)])
def test_a_time_limit_is_a_duration_or_none(value, seconds):
    """As `time_limits` in elt.yml; `none` overrides a limit that is set there."""
    command = cli.get_command(click.Context(cli), "run")
    assert command.make_context("run", ["--time-limit", value]).params["time_limit"] == timedelta(seconds=seconds)


def test_a_wrong_value_of_a_variable_names_the_variable(elt, monkeypatch):
    """Not the option, which was not given."""
    monkeypatch.setenv("ELT_DEBUG", "banana")
    said = elt("ls")
    assert said.code == 2
    assert "Invalid value for the environment variable ELT_DEBUG: 'banana' is not a valid boolean" in said.err
    assert "--debug" not in said.err


def test_a_run_over_its_limit_is_not_green(elt, tmp_path):
    """1: what ran until then is told, and why the rest did not."""
    shop = write_shop(tmp_path, SLOW)
    elt("run", "--select", "slow", "--no-tests", "--time-limit", "1s", project=shop).reports(
        "cancelled model slow", "time limit of the run", "error in"
    )


def test_exit_code_of_a_bug(elt, shop, monkeypatch):
    """3: a bug says that it is one, with what a report of it needs."""
    monkeypatch.setattr("orchestrator.wiring.planning.make_plan", lambda *_: 1 / 0)
    said = elt("run", project=shop)
    assert said.code == 3
    assert said.err.startswith("Internal error [E001]: ZeroDivisionError: division by zero\nThis is a bug of elt.")
    assert "Traceback" in said.err


def test_exit_code_of_an_interruption(elt, shop, monkeypatch):
    """130: interrupted, also before the first step."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.wiring.planning.make_plan", interrupt)
    said = elt("run", project=shop)
    assert (said.code, said.err.strip()) == (130, "Interrupted.")


def test_every_exit_code_is_documented():
    """The table of docs/commands.md has the codes that are tested here, and no other."""
    table = DOCUMENTED.read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == set(CODES)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("rnu",), "No such command 'rnu'. Did you mean 'run'?"),
        (("docs", "server"), "Did you mean 'serve'?"),
        (("run", "--selct", "x"), "Did you mean '--select'"),
        (("run", "extra"), "elt run takes no names. Did you mean 'elt run --select extra'?"),
        (
            ("run", "extra", "--schema-prefix", "pr_7_", "--ingest"),
            "Did you mean 'elt run --select extra --schema-prefix pr_7_ --ingest'?",
        ),
        (("run", "--upstream", "some"), "'some' is not one of 'auto', 'all', 'none'"),
        (("run", "--resource-type", "table"), "'table' is not one of"),
        (("ls", "--output", "xml"), "'xml' is not one of"),
        (("run", "--select"), "'--select' requires an argument"),
        (("run", "--select", "--quiet"), "'--select' requires an argument"),
    ],
)
def test_wrong_usage(elt, words, told):
    """What cannot be understood is told with what was meant, or what there is."""
    said = elt(*words)
    assert said.code == 2
    assert told in " ".join(said.err.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--threads", "many"), "'many' is not a valid integer"),
        (("--vars", "{a: ["), "is not valid YAML"),
        (("--event-time-start", "noon"), "'noon' does not match the formats"),
    ],
)
def test_values_that_dbt_does_not_accept(elt, shop, words, told):
    """A value that dbt refuses is told in dbt's words, and the help is elt's."""
    elt("run", *words, project=shop).refuses("dbt does not accept the options.", told, "elt run --help")


def test_no_threads(elt, shop):
    """A number of threads that runs nothing is refused."""
    elt("run", "--threads", "0", project=shop).refuses("dbt cannot run with 0 threads.", "--threads")


def test_plain_lines_in_a_pipe(elt, shop):
    """In a pipe a run is plain lines without control codes, and what models print is shown."""
    said = elt("run", "--select", "said", project=shop)
    assert "\x1b" not in said.out
    assert "\r" not in said.out
    assert re.search(r"^\d\d:\d\d:\d\d  success    model said", said.out, re.MULTILINE)
    assert "Printed by models: 1 line\n  hello" in said.out


def test_quiet(elt, shop):
    """-q says nothing of a success, and of a failure only that."""
    said = elt("run", "-q", "--select", "stg_orders", project=shop)
    assert (said.out, said.err) == ("", "")
    said = elt("run", "-q", "--select", "wrong", project=shop)
    assert said.out.strip().startswith("First cause")
    assert re.fullmatch(ENDED.format("ended with status error: error of model wrong"), said.err)


ENDED = r"Run (\S+) {}\. Look: elt show \1\. Repair: elt retry \1\n"


def test_a_quiet_retry_and_a_quiet_resume_that_are_not_green_say_so(elt, shop):
    """Each names the run that it was."""
    elt("run", "-q", "--select", "wrong", project=shop)
    for verb in ("resume", "retry"):
        said = elt(verb, "-q", project=shop)
        assert said.code == 1
        assert re.fullmatch(ENDED.format("ended with status error: error of model wrong"), said.err)


def test_a_quiet_run_over_its_limit_says_so(elt, tmp_path):
    """One line on stderr names the limit and the command that continues the run."""
    said = elt("run", "-q", "--select", "slow", "--time-limit", "1s", project=write_shop(tmp_path, SLOW))
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert re.match(r"Run \S+ exceeded its time limit: 1 step did not finish\. .* Continue: elt resume \S+$", said.err)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_quiet_run_that_is_interrupted_still_says_so(tmp_path, number):
    """Ctrl-C and SIGTERM: one line on stderr."""
    shop = write_shop(tmp_path, SLOW)
    run = start("run", "-q", "--select", "slow", project=shop)
    while not list(shop.glob("target/run/*/models/slow.sql")) and run.poll() is None:
        time.sleep(0.05)
    run.send_signal(number)
    said = ended(run)
    assert said.code == 130
    assert re.match(r"Run \S+ was interrupted: 1 step did not finish\. .* Continue: elt resume \S+$", said.err)


@pytest.mark.parametrize("option", [("--json",), ("--log-format", "json")])
def test_json_lines(elt, shop, option):
    """With --json every line of a run is an object with the fields that all events have."""
    said = elt("run", *option, "--select", "stg_orders", project=shop)
    events = [json.loads(line) for line in said.out.splitlines()]
    assert events[0]["event"] == "run_started"
    assert events[-1]["event"] == "run_ended"
    assert all({"version", "event", "at"} <= event.keys() for event in events)


def test_plan_as_json(elt, shop):
    """elt plan --json is one document that names the database."""
    made = json.loads(elt("plan", "--json", "--select", "stg_orders", project=shop).out)
    assert made["database"] == str(shop / "shop.duckdb")
    assert made["steps"]


def on_a_terminal(*words: object, project, no_color: str) -> str:
    """Run on a terminal of its own, and give all that was written there."""
    ours, theirs = pty.openpty()
    environment = {"NO_COLOR": no_color, "TERM": "xterm"}
    run = really_start(*words, project=project, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    with suppress(OSError):  # Linux: the other end was closed
        while block := os.read(ours, 4096):
            written += block
    os.close(ours)
    run.wait(timeout=60)
    return written.decode()


COLOR = re.compile(r"\x1b\[(?:\d+;)*[349]\d[;m]")


def test_a_terminal(shop):
    """On a terminal there is a live view, and with NO_COLOR it has no colours; the process was really started."""
    shown = on_a_terminal("run", "--select", "stg_orders", project=shop, no_color="1")
    assert "\x1b[?25l" in shown
    assert "3 success" in shown
    assert not COLOR.search(shown)


def test_an_error_on_a_terminal(tmp_path):
    """An error is coloured, unless NO_COLOR is set."""
    assert COLOR.search(on_a_terminal("run", project=tmp_path, no_color=""))
    assert not COLOR.search(on_a_terminal("run", project=tmp_path, no_color="1"))


def test_a_reader_that_goes_away(shop):
    """`elt ls | head -1` ends quietly and well, also when the reader has gone before the first line."""
    line = f"{' '.join(ELT)} ls --project-dir {shop} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


def to_full_disk(words: str, shop, *, errors: bool = False, env=None) -> Said:
    """Run with stdout, or stderr too, on a device that is always full."""
    with Path("/dev/full").open("w") as full:
        streams = {"stdout": full.fileno(), **({"stderr": full.fileno()} if errors else {})}
        process = start(*words.split(), project=shop, env=env, **streams)
        return ended(process)


NOT_WRITTEN = "Error [E002]: The output could not be written to stdout: No space left on device.\n"


@pytest.mark.parametrize(
    "words",
    [
        *("ls", "plan --json", "plan", "explain stg_orders", "dbt ls -q", "history", "show", "logs", "show --json"),
        *("run --json --select stg_orders", "run --select stg_orders", "run -q --select stg_orders --log-format json"),
    ],
)
def test_output_that_cannot_be_written_is_an_error_in_one_line(elt, shop, words):
    """A full disk under stdout: the reason on stderr, and the exit code of a mistake of use."""
    elt("run", "--select", "stg_orders", project=shop)
    said = to_full_disk(words, shop)
    assert (said.code, said.err) == (2, NOT_WRITTEN)


def test_a_run_whose_output_cannot_be_written_is_recorded(elt, shop):
    """It goes on to its end, and its own exit code comes first."""
    assert to_full_disk("run --json --select wrong", shop).code == 1
    last = json.loads(elt("history", "--limit", "1", "--json", project=shop).out)
    assert (last["status"], last["command"]) == (
        "error",
        ["run", "--json", "--select", "wrong", "--project-dir", str(shop)],
    )


def test_errors_that_cannot_be_written_keep_the_exit_code(shop):
    """With stderr full there is nowhere to tell, and no traceback."""
    assert to_full_disk("ls --select no_such_model", shop, errors=True).code == 0
    assert to_full_disk("run --select wrong", shop, errors=True).code == 1


def test_a_closed_stdout_is_reported(shop):
    """`elt ls >&-`: as with a full disk."""
    line = f"{' '.join(ELT)} ls --project-dir {shop} >&-"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, NOT_WRITTEN.replace("No space left on device", "Bad file descriptor"))


def test_help_and_completion_that_cannot_be_written_are_reported(tmp_path):
    """Also what click itself prints."""
    for words, env in (["--help"], {}), ([], {"_ELT_COMPLETE": "bash_source"}):
        with Path("/dev/full").open("w") as full:
            said = ended(really_start(*words, program=("-c", COMPLETING), stdout=full, env=env))
        assert (said.code, said.err) == (2, NOT_WRITTEN)


COMPLETING = "import sys; sys.argv[0] = 'elt'; from orchestrator.cli.main import main; main()"


def sections(text: str) -> dict[str, str]:
    """Return the text under each heading of a help page."""
    pieces = re.split(r"^(\S.*):$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_the_help_of_a_run_is_in_groups(elt):
    """What is used most comes first, what only dbt needs last."""
    shown = sections(elt("run", "--help").out)
    assert list(shown) == [
        *("Selection", "Upstream and reuse", "How nodes are built", "Limits and waiting", "Output"),
        *("Project and target", "Further options of dbt"),
    ]
    for heading, option in {
        "Selection": "--select",
        "Upstream and reuse": "--skip-unchanged",
        "How nodes are built": "--full-refresh",
        "Limits and waiting": "--time-limit",
        "Output": "--help",
        "Project and target": "--target",
        "Further options of dbt": "--populate-cache",
    }.items():
        assert option in shown[heading]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_names_each_option_once(elt, verb):
    """No option is lost or repeated between the groups."""
    command = import_module(VERBS[verb][0]).command
    shown = elt(verb, "--help").out
    for parameter in command.params:
        if isinstance(parameter, click.Option) and verb != "dbt":
            option = re.escape(max(parameter.opts, key=len))
            assert len(re.findall(rf"^  (?:\S+, )*{option}(?:[, ]|$)", shown, re.MULTILINE)) == 1, option


def test_the_help_is_in_groups(elt):
    """Every verb stands in one group."""
    shown = sections(elt("--help").out)
    groups = [
        "Run",
        "Run on a schedule",
        "Look before a run",
        "Look at recorded runs",
        "dbt",
        "Passed to dbt under their own names",
    ]
    assert list(shown) == ["Options", *groups]
    listed = [line.split()[0] for group in groups[:-1] for line in shown[group].splitlines() if line[2:3].strip()]
    assert listed == list(VERBS)


def test_the_help_of_sql_names_every_view(elt, shop):
    """The views of the store, and no other."""
    elt("run", "-q", "--select", "stg_orders", project=shop)
    views = sqlite3.connect(shop / ".elt/history.db").execute("select name from sqlite_master where type = 'view'")
    told = re.findall(r"^ +(history_\w+)  +a row for each", elt("sql", "--help").out, re.MULTILINE)
    assert sorted(told) == sorted(name for (name,) in views)


def test_the_version_names_the_releases_of_the_tools(elt) -> None:
    """A report of a problem needs them, and so does who just installed another release."""
    first, tools = elt("--version").out.splitlines()
    assert first.startswith("elt, version ")
    for name in ("dbt-core", "dbt-duckdb", "duckdb"):
        assert f"{name} {version(name)}" in tools
    assert f"Python {platform.python_version()}" in tools
