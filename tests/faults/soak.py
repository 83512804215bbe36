"""Random runs that are killed again and again: `python -m tests.faults.soak RUNS [SEED]`, with figures at the end.

Every tenth is a run with the real dbt and dlt.
"""

import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.drawing import Death, Proven, draw_deaths
from tests.faults.orders import Forge
from tests.faults.shops import Shops

REAL = 10
MOST_DEATHS = 4


def main(runs: int, seed: int) -> int:
    """Make so many runs, print what became of them, and give the exit code."""
    say(f"{runs} runs, seed {seed}")
    began = time.monotonic()
    with TemporaryDirectory(prefix="elt-soak-") as name:
        (Path(name) / "small").mkdir()
        with Forge(Path(name) / "small") as forge, Shops(Path(name)) as shops:
            proven, wrong = soak(list(drawn(runs, seed, forge, shops)))
    for line in figures(runs, proven, wrong, time.monotonic() - began):
        say(line)
    return 1 if wrong else 0


def drawn(runs: int, seed: int, forge: Forge, shops: Shops) -> Iterator[tuple[str, Callable[[], Proven]]]:
    """Draw the runs: what each is called, and how it is made."""
    draw = random.Random(seed)
    deaths = iter(draw_deaths(seed, shops.undisturbed.passings, runs))
    for number in range(runs):
        if number % REAL == REAL - 1:
            death = next(deaths)
            yield f"the real tools, killed {death}", lambda death=death: shops.kill_and_prove(death)
        else:
            plan, many = draw.randrange(10**9), draw.randint(1, MOST_DEATHS)
            yield f"plan {plan}, {many} deaths", lambda plan=plan, many=many: small(forge, plan, many)


def small(forge: Forge, plan: int, many: int) -> Proven:
    """Make a small run that dies so often."""
    chosen: list[Death] = draw_deaths(plan, forge.undisturbed(plan).passings, many)
    return forge.kill_and_prove(plan, *chosen)


def soak(runs: list[tuple[str, Callable[[], Proven]]]) -> tuple[list[Proven], list[str]]:
    """Make the runs; gives what was proven, and which came to another end."""
    proven, wrong = [], []
    for number, (name, make) in enumerate(runs, start=1):
        try:
            proven.append(make())
        except AssertionError:
            wrong.append(name)
            say(f"WRONG: {name}\n{traceback.format_exc()}")
        if number % 10 == 0:
            say(f"  {number} of {len(runs)}")
    return proven, wrong


def figures(runs: int, proven: list[Proven], wrong: list[str], seconds: float) -> Iterator[str]:
    """Say what happened, in lines."""
    deaths = Counter(str(death.point) for one in proven for death in one.deaths)
    yield f"runs {runs:,}, processes {sum(one.sittings for one in proven):,}, in {seconds:,.0f} s"
    yield f"killed {deaths.total():,} times:"
    for point, times in deaths.most_common():
        yield f"  {times:5,}  {point}"
    yield f"steps done {sum(one.steps for one in proven):,}, rows compared {sum(one.rows for one in proven):,}"
    yield f"wrong results {len(wrong):,}"


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)))
