"""A process of dbt is followed while it works, and ends when it is asked to, or is ended."""

import sys
import time
from textwrap import dedent

import psutil
import pytest

from orchestrator.adapters.dbt2 import dbt_process
from orchestrator.adapters.dbt2.dbt_process import DbtProcesses, run_in_terminal
from orchestrator.errors import DbtCommandError
from orchestrator.plan.status import Status
from tests.unit.adapters.dbt2.streams import log, node, outcome, written

A, B = "model.shop.a", "model.shop.b"
GOOD = outcome("success")


@pytest.fixture
def dbt(tmp_path):
    """Return what starts a program with this body; it knows where to write telemetry."""
    opened = []

    def make(body: str = "") -> DbtProcesses:
        program = tmp_path / "dbt.py"
        head = """
            import os, pathlib, signal, sys, time
            words = sys.argv[1:]
            here = pathlib.Path(words[words.index("--log-path") + 1]) if "--log-path" in words else None
            out = (here / words[words.index("--otel-file-name") + 1]).open("ab", buffering=0) if here else None
            """
        program.write_text(dedent(head) + dedent(body))
        words = (sys.executable, str(program))
        processes = DbtProcesses(words, tmp_path, tmp_path / "dbt.log", lambda text: text.replace("hunter2", "***"))
        opened.append(processes)
        return processes

    yield make
    for processes in opened:
        processes.close()


def runs(pid: int) -> bool:
    """Return whether a process runs; nothing may have taken note of its end yet."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def lines(*parts: list[dict]) -> bytes:
    return b"".join(map(written, parts))


def test_a_node_is_reported_before_the_process_ends(dbt, tmp_path):
    """So that what follows it can be decided meanwhile."""
    first, second = lines(node(A, GOOD)), lines(node(B, GOOD))
    going = tmp_path / "go on"
    process = dbt(
        f"""
        out.write({first!r})
        while not os.path.exists({str(going)!r}):
            time.sleep(0.05)
        out.write({second!r})
        """
    ).call(["build"])
    reports = process.follow()
    assert next(reports).unique_id == A
    assert process.code is None
    going.touch()
    assert [report.unique_id for report in reports] == [B]
    assert process.code == 0
    assert process.how_it_ended() == "dbt ended with code 0"
    assert process.telemetry.has_begun


def test_the_exit_code_and_what_dbt_said_are_kept(dbt, tmp_path):
    """Its errors if it logged any, else the last that it printed; without secrets."""
    said = lines([log("no such target")])
    process = dbt(f"out.write({said!r}); print('bye hunter2'); sys.exit(2)").call(["build"])
    assert list(process.follow()) == []
    assert process.how_it_ended() == "dbt ended with code 2: no such target"
    assert (tmp_path / "dbt.log").read_text() == "bye ***\n"
    process = dbt("print('bye hunter2'); sys.exit(1)").call(["build"])
    assert list(process.follow()) == []
    assert process.how_it_ended() == "dbt ended with code 1, and wrote no telemetry: bye ***"


def test_a_process_that_is_killed_leaves_its_nodes_unfinished(dbt):
    """Also in the middle of a line."""
    torn = lines(node(A, GOOD))[:-5]
    process = dbt(f"out.write({torn!r}); os.kill(os.getpid(), signal.SIGKILL)").call(["build"])
    (report,) = process.follow()
    assert (report.status, report.is_finished, process.telemetry.is_torn) == (Status.ERROR, False, True)
    assert "signal 9 (SIGKILL" in process.how_it_ended()


def test_its_folder_is_removed(dbt, tmp_path):
    """Telemetry contains statements."""
    process = dbt(f"pathlib.Path({str(tmp_path / 'place')!r}).write_text(str(here))").call(["build"])
    list(process.follow())
    place = (tmp_path / "place").read_text()
    assert place
    assert not (tmp_path / place).exists()


def test_an_interrupted_process_can_end_on_its_own(dbt):
    """It gets what Ctrl-C sends, and reports what it canceled."""
    began, canceled = lines(node(A, GOOD)[:2]), lines(node(A, outcome("canceled"))[-1:])
    process = dbt(
        f"""
        def end(*_):
            out.write({canceled!r})
            sys.exit(130)
        signal.signal(signal.SIGINT, end)
        out.write({began!r})
        print("ready", flush=True)
        time.sleep(600)
        """
    ).call(["build"])
    found = interrupted(process)
    assert [(report.status, report.is_finished) for report in found] == [(Status.CANCELLED, True)]
    assert (process.code, process.was_interrupted) == (130, True)


def test_a_process_that_does_not_heed_an_interruption_is_ended(dbt, monkeypatch):
    """After a few seconds, and with all that it has started."""
    monkeypatch.setattr(dbt_process, "_GRACE_SECONDS", 0.3)
    process = dbt(
        """
        import subprocess
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        subprocess.Popen(["sleep", "601"])
        print("ready", flush=True)
        time.sleep(600)
        """
    ).call(["build"])
    assert interrupted(process) == []
    assert process.code is None
    assert "dbt was ended" in process.how_it_ended()
    assert not any(one.info["cmdline"] == ["sleep", "601"] for one in psutil.process_iter(["cmdline"]))


def interrupted(process):
    """Follow a process, and interrupt it again and again once it is ready, as the run does."""
    import threading

    done = threading.Event()

    def interrupt():
        time.sleep(1.5)
        while not done.wait(0.1):
            process.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        return list(process.follow())
    finally:
        done.set()
        thread.join()


def test_a_process_that_is_interrupted_early_does_not_start(dbt, tmp_path):
    """It waited for a place."""
    process = dbt(f"pathlib.Path({str(tmp_path / 'started')!r}).touch()").call(["build"])
    process.interrupt()
    assert list(process.follow()) == []
    assert not (tmp_path / "started").exists()
    assert "before it started" in process.how_it_ended()


def test_a_process_that_nothing_follows_any_more_is_ended(dbt, tmp_path):
    """The run has been abandoned."""
    began = lines(node(A, GOOD))
    process = dbt(
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); out.write({began!r}); time.sleep(600)"
    ).call(["build"])
    reports = process.follow()
    next(reports)
    reports.close()
    assert not runs(int((tmp_path / "pid").read_text()))


def test_a_program_that_cannot_be_started_is_named(tmp_path):
    """It was removed since it was asked for its version."""
    processes = DbtProcesses(("/nowhere/dbt",), tmp_path, tmp_path / "dbt.log", str)
    process = processes.call(["build"])
    assert list(process.follow()) == []
    assert process.how_it_ended() == "/nowhere/dbt cannot be started: No such file or directory"
    assert processes.answer(["ls"]).told == process.problem
    processes.close()
    with pytest.raises(DbtCommandError, match="/nowhere/dbt cannot be started"):
        run_in_terminal(("/nowhere/dbt",), ("debug",), tmp_path)


def test_an_answer_is_complete(dbt):
    """A project may have more nodes than the end of a log."""
    answer = dbt("print('x' * 50, *range(9000), sep='\\n')").answer(["ls"])
    assert (answer.code, len(answer.lines)) == (0, 9001)
    refused = dbt("print('no hunter2', file=sys.stderr); sys.exit(2)").answer(["ls"])
    assert refused.told == "dbt ended with code 2: no ***"


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (2, 2), (101, 2)])
def test_a_command_in_the_terminal_ends_with_a_code_of_elt(tmp_path, code, expected):
    """1 is a node that failed; anything else that went wrong is 2."""
    assert run_in_terminal((sys.executable, "-c", f"exit({code})"), (), tmp_path) == expected
