"""The whole proof: pairs one after another, a file of those that are done, and the figures."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from tests.reuse_pairs.drawing import draw_pair
from tests.reuse_pairs.parts import BULLETS, DRAWERS
from tests.reuse_pairs.running import Places, Verdict, run_pair

ROOT = Path(__file__).parents[2]
WHAT_IS_PROVEN = ("orchestrator", "tests/reuse_pairs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a pair showed, as it is kept."""

    code: str
    """A digest of the product and of this harness: what was done with others is done again."""
    seed: int
    number: int
    adapter: str
    mart: str | None
    edits: tuple[str, ...]
    drawers: tuple[str, ...]
    harmless: bool
    """Whether nothing in the pair has an effect on any result."""
    found: tuple[str, ...]
    void: str
    steps: int
    reused: int

    @property
    def name(self) -> str:
        """Return what runs the pair again."""
        return f"python -m tests.reuse_pairs --seed {self.seed} --pair {self.number}"


def done_from(verdict: Verdict, code: str) -> Done:
    """Return what is kept of a verdict."""
    pair = verdict.pair
    return Done(
        code=code,
        seed=pair.seed,
        number=pair.number,
        adapter=pair.adapter,
        mart=pair.mart,
        edits=tuple(str(drawn) for drawn in pair.edits),
        drawers=tuple(drawn.drawer.name for drawn in pair.edits),
        harmless=all(drawn.drawer.harmless for drawn in pair.drawn),
        found=verdict.found,
        void=verdict.void,
        steps=verdict.steps,
        reused=verdict.reused,
    )


def code_digest() -> str:
    """Return a digest of all that the verdicts depend on."""
    digest = sha256()
    for folder in WHAT_IS_PROVEN:
        for file in sorted((ROOT / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def read_done(state: Path, code: str, seed: int) -> dict[int, Done]:
    """Read the pairs of a seed that are done with this code; a line that was cut short is no pair."""
    done: dict[int, Done] = {}
    for line in state.read_text().splitlines() if state.exists() else ():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        one = Done(**{name: tuple(value) if isinstance(value, list) else value for name, value in told.items()})
        if (one.code, one.seed) == (code, seed):
            done[one.number] = one
    return done


def prove(
    seed: int, numbers: Iterable[int], state: Path, root: Path, *, control: bool = False
) -> Iterator[tuple[Done, bool]]:
    """Run the pairs that are not done; yield each pair, and whether it ran now."""
    code = f"{code_digest()}{' control' if control else ''}"
    done = read_done(state, code, seed)
    state.parent.mkdir(parents=True, exist_ok=True)
    with Places(root) as places, state.open("a") as kept:
        for number in numbers:
            if number in done:
                yield done[number], False
                continue
            one = done_from(_run(seed, number, places, control=control), code)
            kept.write(json.dumps(asdict(one)) + "\n")
            kept.flush()
            yield one, True


def _run(seed: int, number: int, places: Places, *, control: bool) -> Verdict:
    pair = draw_pair(seed, number)
    try:
        return run_pair(pair, places, control=control)
    except Exception as error:  # noqa: BLE001  # one broken pair is told and does not end the proof
        return Verdict(pair=pair, found=(), void=f"the harness: {type(error).__name__}: {error}")


def figures(done: list[Done]) -> Iterator[str]:
    """Return the figures in lines: what was run, what was found by bullet, how much was reused."""
    wrong = [one for one in done if one.found]
    void = [one for one in done if one.void]
    yield f"pairs {len(done)}, of them on PostgreSQL {sum(one.adapter == 'postgres' for one in done)}, void {len(void)}"
    bullets: Mapping[str, str] = {drawer.name: drawer.bullet for drawer in DRAWERS}
    drawn = Counter(bullets[name] for one in done for name in one.drawers)
    missed = Counter(bullets[name] for one in wrong for name in one.drawers)
    for bullet in BULLETS:
        yield f"  {bullet:14} {drawn[bullet]:4} edits, {missed[bullet]:3} in pairs with a difference"
    names = {name for one in done for name in one.drawers}
    yield f"kinds of edit {len(names)} of {len(DRAWERS)}"
    # a mart that ran just before is reused in any case: such a pair says nothing of how much is
    calm = [one for one in done if one.harmless and not one.void and one.mart is None]
    steps = sum(one.steps for one in calm)
    share = sum(one.reused for one in calm) / steps if steps else 0
    yield f"pairs in which nothing has an effect {len(calm)}: {share:.0%} of {steps} steps reused"
    yield f"counterexamples {len(wrong)}"
