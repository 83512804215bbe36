"""Runs one slice of the proof: `python -m tests.proof_slice [I/N]`; by default the slice of the checked-out commit.

The slices of consecutive commits differ, so that many commits together run the whole proof. A slice is determined by
its number alone; `make proof SLICE=I/N` repeats it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

from tests.sweeps import Sweep

SLICES = 24
SWEPT = (
    *("tests/agreement/test_selection.py", "tests/agreement/test_random_projects.py", "tests/faults"),
    *("tests/functional/dlt/test_killed_load.py", "tests/functional/dlt/test_damaged_state.py"),
)
"""What `tests/sweeps.py` divides."""


def main(words: list[str]) -> int:
    """Run the slice and return the exit code of the first command that fails."""
    name = words[0] if words else slice_of(commit())
    _say(f"Slice {name} of the proof; to repeat it: make proof SLICE={name}")
    for command in commands(Sweep.parse(name)):
        _say(" ".join(command))
        code = subprocess.run(
            [sys.executable, "-m", *command], env={**os.environ, "SWEEP": name}, check=False
        ).returncode
        if code:
            _say(f"Slice {name} of the proof failed; to repeat it: make proof SLICE={name}")
            return code
    return 0


def commit() -> str:
    """Return the hash of the checked-out commit; 0 outside of a repository."""
    answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "0"


def slice_of(commit_hash: str) -> str:
    """Return the slice of a commit."""
    return f"{int(commit_hash, 16) % SLICES}/{SLICES}"


def commands(sweep: Sweep) -> Iterator[list[str]]:
    """Return the modules and arguments that run a slice; its random part is drawn by its number."""
    name, seed = f"{sweep.index}/{sweep.of}", str(1000 + sweep.index)
    yield ["pytest", "-q", "-n", "2", "--dist", "loadscope", *SWEPT]
    yield ["tests.agreement", "all", "--slice", name, "--cases", "10", "--seed", seed]
    yield ["tests.reuse_pairs", "--pairs", "6", "--seed", seed]
    yield ["tests.faults.soak", "5", seed]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
