"""Proves by random edits that reuse leaves what a full run leaves.

A *pair* is two runs of a small project with an edit between them:

1. A project of a few nodes is drawn and run with `elt run`.
2. One or two edits take place: of files, of data, of the warehouse, of configuration, of the options of the run.
3. Project and warehouse are copied. In the copy everything runs (`elt run --upstream all`). In the original the run
   reuses: `elt run --skip-unchanged`, in half of the pairs after `elt run --select MART` with the default
   `--upstream auto`.
4. Exit codes, the status of every node and check, and every table and view (kind, columns, rows, comments, indexes)
   must be the same. After `--select` the mart and all above it must be. A difference is a counterexample.

dlt gives rows new ids in each load. So only the original loads; what it loaded is brought to the copy before the full
run. Results that are others in each run (a clock, chance) cannot be compared: such nodes must not be reused.

Each bullet of the rule in docs/reuse.md has drawers in `edits_*.py`. Pair k of seed s is the same on every machine.
Consecutive pairs take the drawers in turn, so that as many pairs as there are drawers meet every one. Every eighth
pair runs on PostgreSQL. A pair in which nothing has an effect must reuse nearly everything, or the proof would be
empty: the figures at the end say how much it was.

    make reuse-pairs PAIRS=150 SEED=7              # goes on where it was broken off
    python -m tests.reuse_pairs --seed 7 --pair 31 # one pair again; its folders are kept and named

What is done is kept in `.reuse-pairs/`, with a digest of the product and of this harness: after a change of either
everything is done again.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.reuse_pairs.drawing import draw_pair
from tests.reuse_pairs.proof import Done, done_from, figures, prove
from tests.reuse_pairs.running import Places, run_pair

STATE = Path(".reuse-pairs")


def main() -> int:
    """Run pairs and return 1 when one of them shows a difference or does not run."""
    asked = argparse.ArgumentParser(
        prog="python -m tests.reuse_pairs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--pairs", type=int, default=150, help="how many pairs")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--first", type=int, default=0, help="the number of the first pair")
    asked.add_argument("--pair", type=int, help="the number of one pair: it runs again and is kept")
    asked.add_argument("--control", action="store_true", help="run everything on both sides: nothing may differ")
    asked.add_argument("--state", type=Path, default=STATE, help="the folder of what is done")
    options = asked.parse_args()
    if options.pair is not None:
        return _one(options.seed, options.pair)
    return _all(options)


def _one(seed: int, number: int) -> int:
    root = Path(tempfile.mkdtemp(prefix="elt-reuse-pair-"))
    pair = draw_pair(seed, number)
    with Places(root) as places:
        verdict = run_pair(pair, places, keep=True)
    for drawn in pair.drawn:
        _say(f"{'edited' if drawn.edited else 'beside'}  {drawn}")
    _say(f"mart {pair.mart}; reused {verdict.reused} of {verdict.steps} steps; in {root}")
    _tell(done_from(verdict, ""))
    return int(bool(verdict.found or verdict.void))


def _all(options: argparse.Namespace) -> int:
    options.state.mkdir(parents=True, exist_ok=True)
    (options.state / ".gitignore").write_text("*\n")
    state = options.state / f"seed-{options.seed}.jsonl"
    numbers = range(options.first, options.first + options.pairs)
    done, began = [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="elt-reuse-pairs-") as root:
        for one, ran in prove(options.seed, numbers, state, Path(root), control=options.control):
            done.append(one)
            if ran or one.found:
                _tell(one)
    _say(f"\nseed {options.seed}, {time.monotonic() - began:.0f} s")
    for line in figures(done):
        _say(line)
    return int(any(one.found or one.void for one in done))


def _tell(one: Done) -> None:
    word = "DIFFERS" if one.found else "void" if one.void else "agrees"
    after = f", after --select {one.mart}" if one.mart else ""
    said = "; ".join(one.edits).replace("\n", " ")
    _say(f"{word:8} {one.number:4}  {one.adapter:8}  reused {one.reused}/{one.steps}{after}  {said}")
    if one.void:
        _say(f"         {one.void[:800]}")
    if one.found:
        _say(f"         {one.name}")
    for line in one.found:
        _say(f"         - {line}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
