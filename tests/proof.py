"""Runs the proof part by part: `python -m tests.proof`; `--slice [I/N]` runs one slice of its sweeps.

The whole proof takes hours, so an interrupted one continues: a part that passed is not repeated while the commit is
checked out and no file is changed. A failed part does not end it. `.proof/` keeps the result and the output of each
part.

The slice of a commit is what CI runs of it. The slices of consecutive commits differ, so that many commits together run
all of them; `make proof SLICE=I/N` repeats one.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tests.sweeps import Sweep

STATE = Path(".proof")
SLICES = 24
PAIRS = 144
"""Pairs of edits that the slices divide."""
SWEPT = (
    *("tests/agreement/test_selection.py", "tests/agreement/test_random_projects.py", "tests/faults"),
    *("tests/functional/dlt/test_killed_load.py", "tests/functional/dlt/test_damaged_state.py"),
)
"""What `tests/sweeps.py` divides into slices."""
_PYTEST = ("pytest", "-q", "-n", "2", "--dist", "loadscope")
_WHOLE = {"SWEEP": "whole", "ELT_SELECTION_EXAMPLES": "75", "WHOLE_REUSE": "1"}
_TARGETS = (
    *("reuse-pairs", "soak", "test-readers"),
    *("test-lowest", "test-dbt-1.12", "test-duckdb-1.5", "test-highest"),
)
"""Targets of the Makefile that are parts of the proof."""
_VARIABLES = ("PAIRS", "SEED", "SOAK", "NEWEST")
"""Variables of the Makefile that change what these targets run."""
_LAST_LINES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the proof: one command."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The name of its files, without a suffix."""
        return self.name.replace(" ", "-").replace("/", "-")

    @property
    def shown(self) -> str:
        """The command for a shell."""
        return " ".join([*(f"{name}={value}" for name, value in self.environment.items()), shlex.join(self.command)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a part ended, and of what."""

    commit: str
    """The commit that was checked out all the time without changed files; empty if there was none."""
    shown: str
    code: int
    seconds: float

    def proves(self, part: Part, commit: str) -> bool:
        """Return whether the part has passed on this commit, so that it need not run again."""
        return self.code == 0 and bool(commit) and (self.commit, self.shown) == (commit, part.shown)


def parts_of(folders: Iterable[str], variables: Mapping[str, str]) -> Iterator[Part]:
    """Return the parts of the whole proof: the tests by folder, agreement with dbt, and the make targets."""
    for folder in folders:
        yield _python(folder, [*_PYTEST, folder], _WHOLE)
    # Not by slices: only the results of all pairs together show a defect that changes nothing in any of them.
    yield _python("agreement", ["tests.agreement", "all"])
    yield _python("agreement plain", ["tests.agreement", "all"], {"ELT_AGREEMENT_PLAIN": "1"})  # dbt executes all nodes
    given = [f"{name}={variables[name]}" for name in _VARIABLES if variables.get(name)]
    for target in _TARGETS:
        yield Part(name=target, command=("make", "--no-print-directory", target, *given))


def parts_of_slice(sweep: Sweep) -> Iterator[Part]:
    """Return the parts of one slice; its number alone determines what is drawn."""
    name, seed = f"{sweep.index}/{sweep.of}", str(1000 + sweep.index)
    first, end = (PAIRS * index // sweep.of for index in (sweep.index, sweep.index + 1))
    yield _python(f"sweep {name}", [*_PYTEST, *SWEPT], {"SWEEP": name})
    yield _python(f"agreement {name}", ["tests.agreement", "all", "--slice", name, "--cases", "10", "--seed", seed])
    yield _python(f"edits {name}", ["tests.reuse_pairs", "--first", str(first), "--pairs", str(end - first)])
    yield _python(f"soak {name}", ["tests.faults.soak", "5", seed])


def slice_of(commit_hash: str) -> str:
    """Return the slice of a commit."""
    return f"{int(commit_hash, 16) % SLICES}/{SLICES}"


def folders_of(tests: Iterable[Path]) -> list[str]:
    """Return the folders below `tests` that contain these test files, without the readers, which are a make target."""
    return sorted({"/".join(path.parts[:2]) for path in tests} - {"tests/readers"})


def main(words: Sequence[str]) -> int:
    """Run the whole proof, or a slice, and return 1 if a part failed."""
    if words[:1] == ["--slice"]:
        return _run_slice(words[1] if words[1:] else slice_of(_commit() or "0"))
    parts = list(parts_of(folders_of(Path("tests").rglob("test_*.py")), os.environ))
    return prove(parts, STATE)


def prove(parts: Sequence[Part], state: Path) -> int:
    """Run the parts that have not passed on this commit, print what failed, and return the exit code."""
    state.mkdir(exist_ok=True)
    commit = _commit_without_changes()
    passed = [part for part in parts if _has_passed(part, commit, state)]
    _say(f"{len(passed)} of {len(parts)} parts of the proof have passed on {commit[:12] or 'a changed tree'}.")
    if not commit:
        _say("Files are changed, so an interrupted proof cannot continue. Commit them first.")
    failed = []
    for number, part in enumerate(parts, start=1):
        if part in passed:
            continue
        _say(f"{number:3}/{len(parts)}  {part.name}")
        try:
            result = _run(part, state)
        except KeyboardInterrupt:
            _say(_summary(parts, passed, failed, state))
            return 130
        (state / f"{part.file_name}.json").write_text(json.dumps(asdict(result)))
        _say(f"         {'passed' if result.code == 0 else 'FAILED'} in {result.seconds:.0f} s")
        if result.code:
            failed.append(part)
            _say("\n".join(f"         | {line}" for line in _last_lines(part, state)))
        else:
            passed.append(part)
    _say(_summary(parts, passed, failed, state))
    return int(bool(failed))


def _python(name: str, module: Sequence[str], environment: Mapping[str, str] | None = None) -> Part:
    return Part(name=name, command=(sys.executable, "-m", *module), environment=environment or {})


def _run_slice(name: str) -> int:
    """Run a slice, and return the exit code of the first part that fails."""
    _say(f"Slice {name} of the proof; to repeat it: make proof SLICE={name}")
    for part in parts_of_slice(Sweep.parse(name)):
        _say(part.shown)
        code = subprocess.run(part.command, env={**os.environ, **part.environment}, check=False).returncode
        if code:
            _say(f"Slice {name} of the proof failed; to repeat it: make proof SLICE={name}")
            return code
    return 0


def _run(part: Part, state: Path) -> Result:
    commit, began = _commit_without_changes(), time.monotonic()
    with (state / f"{part.file_name}.log").open("wb") as log:
        environment = {**os.environ, **part.environment}
        process = subprocess.Popen(part.command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the terminal interrupts the part too
            process.wait()
            raise
    result = Result(commit=commit, shown=part.shown, code=code, seconds=time.monotonic() - began)
    # The tests read the files of the tree, so a change in the meantime leaves it open what was proven.
    return result if _commit_without_changes() == commit else replace(result, commit="")


def _has_passed(part: Part, commit: str, state: Path) -> bool:
    try:
        result = Result(**json.loads((state / f"{part.file_name}.json").read_text()))
    except (OSError, ValueError, TypeError):  # not run yet, or cut off while it was written
        return False
    return result.proves(part, commit)


def _last_lines(part: Part, state: Path) -> list[str]:
    return (state / f"{part.file_name}.log").read_text(errors="replace").splitlines()[-_LAST_LINES:]


def _summary(parts: Sequence[Part], passed: Sequence[Part], failed: Sequence[Part], state: Path) -> str:
    """Return what passed, what failed and how to repeat it, and what is left."""
    left = [part.name for part in parts if part not in passed and part not in failed]
    lines = [f"\nProof: {len(passed)} passed, {len(failed)} failed, {len(left)} left of {len(parts)} parts."]
    for part in failed:
        lines += [
            f"  failed  {part.name} (output: {state / part.file_name}.log); to repeat it:",
            f"          {part.shown}",
        ]
    if left:
        lines += [f"  left    {', '.join(left)}", "To continue: make proof"]
    return "\n".join(lines)


def _commit() -> str:
    return _git("rev-parse", "HEAD")


def _commit_without_changes() -> str:
    """Return the hash of the checked-out commit; an empty string if files are changed, or outside of a repository."""
    return "" if _git("status", "--porcelain") else _commit()


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
