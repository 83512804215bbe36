"""The proof: its parts together are the whole, and what passed on a commit is not repeated."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import proof
from tests.proof import SLICES, SWEPT, Part, Result, folders_of, parts_of, parts_of_slice, prove, slice_of
from tests.sweeps import Sweep

ROOT = Path(__file__).parents[2]
COMMITS = st.sampled_from(["", "a1", "b2"])


def part(name: str, code: str = "") -> Part:
    """Make a part that notes that it ran, and then runs the code."""
    note = f"open('.ran', 'a').write('{name} ')"
    return Part(name=name, command=(sys.executable, "-c", f"{note}\n{code}"))


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """Make a repository with one commit, and work in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_text(".ran\n.proof\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], check=True)
    return tmp_path


def proven(parts: list[Part], tree: Path) -> tuple[int, str]:
    """Prove the parts, and return the exit code and the names of those that ran."""
    (tree / ".ran").unlink(missing_ok=True)
    code = prove(parts, tree / ".proof")
    ran = tree / ".ran"
    return code, ran.read_text().strip() if ran.exists() else ""


def test_every_test_file_runs_in_one_part() -> None:
    tests = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    parts = list(parts_of(folders_of(tests), {}))
    for path in map(str, tests):
        own = [one.name for one in parts if any(path.startswith(f"{word}/") for word in one.command)]
        if path.startswith("tests/readers"):
            assert "test-readers" in {one.name for one in parts}
        else:
            assert len(own) == 1, path
    assert len({one.file_name for one in parts}) == len(parts)


def test_the_whole_proof_runs_every_sweep_whole() -> None:
    parts = list(parts_of(["tests/agreement", "tests/faults"], {}))
    assert {one.environment["SWEEP"] for one in parts if "pytest" in one.command} == {"whole"}
    assert not any("--ignore" in word for one in parts for word in one.command)


def test_the_whole_proof_compares_all_pairs_in_one_part_for_each_way() -> None:
    """In each way to execute nodes. A slice cannot show a defect that changes nothing in dbt's results."""
    generated, plain = (one for one in parts_of([], {}) if "tests.agreement" in one.command)
    assert generated.command[-2:] == plain.command[-2:] == ("tests.agreement", "all")
    assert (dict(generated.environment), dict(plain.environment)) == ({}, {"ELT_AGREEMENT_PLAIN": "1"})


@given(st.integers(1, 60))
def test_a_slice_is_the_same_share_of_every_sweep(of: int) -> None:
    for index in range(of):
        parts = list(parts_of_slice(Sweep(index, of)))
        swept = [one.environment["SWEEP"] for one in parts if "SWEEP" in one.environment]
        compared = [one.command[one.command.index("--slice") + 1] for one in parts if "--slice" in one.command]
        assert swept == compared == [f"{index}/{of}"]
        assert len({one.file_name for one in parts}) == len(parts)


@given(st.integers(1, 60))
def test_the_slices_together_run_every_pair_of_edits_once(of: int) -> None:
    numbers = []
    for index in range(of):
        (edits,) = (one.command for one in parts_of_slice(Sweep(index, of)) if one.name.startswith("edits"))
        first, pairs = (int(edits[edits.index(option) + 1]) for option in ("--first", "--pairs"))
        numbers += range(first, first + pairs)
    assert numbers == list(range(proof.PAIRS))


def test_each_commit_has_its_slice() -> None:
    """Every slice is drawn by some commit, and the same commit always draws the same."""
    assert {slice_of(f"{number:040x}") for number in range(SLICES)} == {f"{index}/{SLICES}" for index in range(SLICES)}
    assert slice_of("ff") == slice_of("ff")


def test_a_slice_names_files_that_exist() -> None:
    assert all((ROOT / path).exists() for path in SWEPT)


@given(COMMITS, COMMITS, st.sampled_from([0, 1]), st.booleans())
def test_a_part_has_passed_only_on_the_same_commit_with_the_same_command(was: str, now: str, code: int, same: bool):
    shown = part("a").shown if same else "another"
    result = Result(commit=was, shown=shown, code=code, seconds=1.0)
    assert result.proves(part("a"), now) is (code == 0 and same and was == now != "")


def test_a_variable_of_make_is_part_of_the_command() -> None:
    (soak,) = (one for one in parts_of([], {"SOAK": "500", "SEED": ""}) if one.name == "soak")
    assert soak.command == ("make", "--no-print-directory", "soak", "SOAK=500")


def test_a_failed_part_does_not_end_the_proof_and_only_it_is_repeated(tree, capsys) -> None:
    parts = [part("a"), part("b", "print('why it failed'); raise SystemExit(3)"), part("c")]
    assert proven(parts, tree) == (1, "a b c")
    shown = capsys.readouterr().out
    assert "| why it failed" in shown
    assert "2 passed, 1 failed, 0 left of 3 parts" in shown
    assert parts[1].shown in shown
    assert proven(parts, tree) == (1, "b")
    assert "2 of 3 parts of the proof have passed" in capsys.readouterr().out


def test_an_interrupted_proof_says_what_is_left_and_continues(tree, capsys, monkeypatch) -> None:
    parts = [part("a"), part("b"), part("c")]

    def interrupted(one: Part, state: Path) -> Result:
        if one.name == "b":
            raise KeyboardInterrupt
        return run(one, state)

    run = proof._run
    monkeypatch.setattr(proof, "_run", interrupted)
    assert proven(parts, tree) == (130, "a")
    assert "left    b, c" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.chdir(tree)
    assert proven(parts, tree) == (0, "b c")
    assert proven(parts, tree) == (0, "")


def test_a_changed_file_leaves_nothing_proven(tree, capsys) -> None:
    assert proven([part("a")], tree) == (0, "a")
    (tree / "new.py").touch()
    assert proven([part("a")], tree) == (0, "a")
    assert "Commit them first" in capsys.readouterr().out
    (tree / "new.py").unlink()
    assert proven([part("a")], tree) == (0, "a"), "what ran with the file says nothing about the commit"


def test_a_file_that_changes_while_a_part_runs_leaves_it_unproven(tree) -> None:
    assert proven([part("a", "open('new.py', 'w')")], tree) == (0, "a")
    (tree / "new.py").unlink()
    assert json.loads((tree / ".proof" / "a.json").read_text())["commit"] == ""


def test_a_result_that_was_cut_off_is_none(tree) -> None:
    (tree / ".proof").mkdir()
    (tree / ".proof" / "a.json").write_text('{"commit": ')
    assert proven([part("a")], tree) == (0, "a")
