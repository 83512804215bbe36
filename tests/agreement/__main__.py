"""Tries agreement by hand: `python -m tests.agreement PROJECT [--defect NAME] [--way NAME]`, `random`, or `all`."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.agreement.bench import Prepared, Verdict, evaluator
from tests.agreement.pairs import Pair
from tests.agreement.projects import defects_of, project_names
from tests.agreement.random_told import try_case
from tests.agreement.ways import BY_NAME
from tests.agreement.whole import Told, figures, idle_defects, judge_every_pair, run_random
from tests.sweeps import Sweep

SEED, CASES = 4, 300


def main() -> int:
    """Run one pair, or a project in plain mode undisturbed and with each defect; 1 when the sides disagree."""
    asked = argparse.ArgumentParser(prog="python -m tests.agreement")
    asked.add_argument("project", choices=[*project_names(), "random", "all"])
    asked.add_argument("--defect", action="append", default=[], help="a name of defects.yml, or 'each'")
    asked.add_argument("--way", choices=[*BY_NAME, "each"], default="plain")
    asked.add_argument("--keep", type=Path, help="a new folder that keeps what both sides left behind")
    asked.add_argument("-v", "--verbose", action="store_true", help="print dbt's status of each node")
    asked.add_argument("--processes", type=int, default=2, help="how many share the whole proof")
    asked.add_argument("--slice", default="whole", help="i/n: one slice of the pairs of the whole proof")
    asked.add_argument("--seed", type=int, default=SEED, help="of random projects")
    asked.add_argument("--case", type=int, help="the number of one random project")
    asked.add_argument("--cases", type=int, default=CASES, help="how many random projects the whole proof runs")
    options = asked.parse_args()
    match options.project:
        case "all":
            return max(_try_pairs(options.processes, Sweep.parse(options.slice)), _try_random(options))
        case "random":
            return _try_random(options) if options.case is None else _try_case(options)
        case _:
            return _try_one(options)


def _try_case(options: argparse.Namespace) -> int:
    with TemporaryDirectory() as scratch:
        lines, agree = try_case(options.seed, options.case, options.keep or Path(scratch), smaller=True)
    print("\n".join(lines))
    return int(not agree)


def _try_random(options: argparse.Namespace) -> int:
    ran = disagreed = 0
    for name, found in run_random(options.cases, options.seed, options.processes):
        ran += 1
        disagreed += bool(found)
        print(f"{'DISAGREE' if found else 'agree':9}{name}", flush=True)
        for line in found:
            print(f"         - {line}", flush=True)
    print(f"\n{ran} random projects of seed {options.seed}, {disagreed} disagree.")
    return int(disagreed > 0)


def _try_pairs(processes: int, sweep: Sweep) -> int:
    told: list[Told] = []
    for one in judge_every_pair(project_names(), processes, sweep):
        told.append(one)
        print(f"{'DISAGREE' if one.disagreements else 'agree':9}{one.pair.name} {one.expression}", flush=True)
        for line in one.disagreements:
            print(f"         - {line}", flush=True)
    print(f"\n{figures(told)}")
    idle = idle_defects(told) if sweep.of == 1 else []
    for name in idle:
        print(f"changes nothing of what dbt says: {name}")
    return int(bool(idle) or any(one.disagreements for one in told))


def _try_one(options: argparse.Namespace) -> int:
    known = {defect.name: defect for defect in defects_of(options.project)}
    groups = (
        [(known[name],) for name in known]
        if options.defect == ["each"]
        else [tuple(known[name] for name in options.defect)]
    )
    ways = list(BY_NAME.values()) if options.way == "each" else [BY_NAME[options.way]]
    disagreed = False
    with TemporaryDirectory() as scratch:
        prepared = Prepared(options.project, Path(scratch))
        pairs = [Pair(project=options.project, defects=group, way=way) for group in groups for way in ways]
        for place, pair in enumerate(pairs):
            verdict = evaluator(prepared, pair, (options.keep or Path(scratch)) / f"pair-{place}")
            _tell(verdict, verbose=options.verbose)
            disagreed = disagreed or bool(verdict.disagreements)
    return int(disagreed)


def _tell(verdict: Verdict, *, verbose: bool) -> None:
    counted = ", ".join(f"{count} {word}" for word, count in sorted(Counter(verdict.theirs.words().values()).items()))
    state = "DISAGREE" if verdict.disagreements else "agree"
    print(f"{state:9}{verdict.pair.name} {verdict.expression}", flush=True)
    print(f"         dbt: exit code {verdict.theirs.exit_code}, {counted}")
    if verdict.theirs.trouble:
        print(f"         dbt: {verdict.theirs.trouble[:600]}")
    if verbose:
        for node, record in sorted(verdict.theirs.records().items()):
            print(f"         {record['status']:16}{node}  {record['message'] or ''}")
    for line in verdict.disagreements:
        print(f"         - {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
