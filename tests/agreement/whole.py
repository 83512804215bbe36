"""The whole proof: every pair of every project, on several processes, and its figures."""

import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.agreement.bench import Prepared, evaluator
from tests.agreement.pairs import Pair, every_pair
from tests.agreement.projects import defects_of, project_names
from tests.agreement.random_runs import run_random_projects
from tests.agreement.ways import PLAIN, WAYS
from tests.sweeps import Sweep

_PAIRS_A_PROCESS = 12
_CASES_A_PROCESS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is kept of a pair that was judged."""

    pair: Pair
    expression: str
    words: Counter[str]
    """How many nodes ended with each of dbt's statuses."""
    verdict: tuple[int, tuple[tuple[str, str, int | None], ...]]
    """Dbt's exit code, and the status and the failures of each node."""
    disagreements: tuple[str, ...]


def judge_every_pair(projects: Sequence[str], processes: int, sweep: Sweep) -> Iterator[Told]:
    """Compare every pair of the projects, or those of a slice, in the order in which they end."""
    work = []
    every = sweep.share([pair for project in projects for pair in every_pair(project, defects_of(project))], smoke=1)
    for project in projects:
        pairs = [pair for pair in every if pair.project == project]
        starts = range(0, len(pairs), _PAIRS_A_PROCESS)
        work += [(start, project, pairs[start : start + _PAIRS_A_PROCESS]) for start in starts]
    work.sort(key=lambda some: some[:2])  # by turns: a run that is broken off has tried something of every project
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, max_tasks_per_child=1, initializer=_collect_seldom) as pool:
        for done in as_completed([pool.submit(_judge_some, project, pairs) for _, project, pairs in work]):
            yield from done.result()


def run_random(cases: int, seed: int, processes: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Run so many random projects of a seed, and give what draws each again with what the tools disagree on."""
    work = [(seed, first, min(_CASES_A_PROCESS, cases - first)) for first in range(0, cases, _CASES_A_PROCESS)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, max_tasks_per_child=1, initializer=_collect_seldom) as pool:
        for done in as_completed([pool.submit(_run_some, *some) for some in work]):
            yield from done.result()


def idle_defects(told: Sequence[Told]) -> list[str]:
    """Name the defects that change nothing of what dbt says in plain mode: they prove nothing."""
    undisturbed = {one.pair.project: one.verdict for one in told if not one.pair.defects and one.pair.way is PLAIN}
    return [
        one.pair.name
        for one in told
        if one.pair.defects and one.pair.way == PLAIN and one.verdict == undisturbed.get(one.pair.project)
    ]


def figures(told: Sequence[Told]) -> str:
    """Write the figures as the tables of `docs/agreement.md`: pairs by project and by way, nodes by status."""
    words: Counter[str] = sum((one.words for one in told), Counter())
    kinds = {defect.kind for one in told for defect in one.pair.defects}
    lines = ["| project | defects | pairs | disagree |", "|---|---|---|---|"]
    for project in project_names():
        own = [one for one in told if one.pair.project == project]
        lines.append(f"| {project} | {len(defects_of(project))} | {len(own)} | {_disagreeing(own)} |")
    lines += ["", "| way | pairs | disagree |", "|---|---|---|"]
    for way in WAYS:
        own = [one for one in told if one.pair.way == way]
        lines.append(f"| {way.name} | {len(own)} | {_disagreeing(own)} |")
    counted = ", ".join(f"{word} {count:,}" for word, count in sorted(words.items()))
    lines += ["", f"{len(told)} pairs, {len(kinds)} kinds of defect; dbt's statuses that were compared: {counted}."]
    return "\n".join(lines)


def _collect_seldom() -> None:
    """Look for garbage seldom, as the tests do."""
    gc.set_threshold(30_000, 10, 5)


def _disagreeing(told: Sequence[Told]) -> int:
    return sum(bool(one.disagreements) for one in told)


def _run_some(seed: int, first: int, cases: int) -> list[tuple[str, tuple[str, ...]]]:
    return [(case.name, found) for case, found in run_random_projects(cases, seed, first)]


def _judge_some(project: str, pairs: Sequence[Pair]) -> list[Told]:
    found = []
    with TemporaryDirectory() as scratch:
        prepared = Prepared(project, Path(scratch))
        for place, pair in enumerate(pairs):
            verdict = evaluator(prepared, pair, Path(scratch) / f"pair-{place}")
            records = verdict.theirs.records()
            ends = sorted((node, record["status"], record["failures"]) for node, record in records.items())
            found.append(
                Told(
                    pair=pair,
                    expression=verdict.expression,
                    words=Counter(word for _, word, _ in ends),
                    verdict=(verdict.theirs.exit_code, tuple(ends)),
                    disagreements=verdict.disagreements,
                )
            )
    return found
