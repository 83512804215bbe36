"""On which platforms the command starts."""

import sys

import pytest

from orchestrator.cli.main import main, refuse_windows


@pytest.mark.parametrize("platform", ["win32", "cygwin"])
def test_windows_is_refused_before_anything_else(
    platform: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one sentence, what to do, and exit code 2; no command line is read."""
    monkeypatch.setattr(sys, "argv", ["elt", "no-such-command"])
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "Error [E092]: elt does not run on Windows: it needs processes and file locks of a POSIX system.",
        "Run it on Linux, for example in the Windows Subsystem for Linux (WSL 2).",
    ]


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_other_platforms_are_not_refused(platform: str) -> None:
    """Linux is tested; macOS is not refused."""
    refuse_windows(platform)
