"""Measures planning and running where each of many tests reaches each of many macros, beside dbt's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.artifacts import same_or_fail, statuses
from benchmarks.figures import Measured, Series, ratio
from benchmarks.measure import command, measure

PLAN, LIST, RUN, BUILD = "elt plan --skip-unchanged", "dbt ls", "elt run", "dbt build"
MOST_OF_PLAN, MOST_OF_RUN = 2.0, 1.0
WORDS_PER_MACRO = 30
PROJECT = """name: wide
profile: wide
version: "1.0"
flags:
  send_anonymous_usage_stats: false
"""
PROFILE = "wide: {target: dev, outputs: {dev: {type: duckdb, path: wide.duckdb, threads: 2}}}\n"
OVERRIDE = """{% materialization test, default %}
{% if false %}{{ macro0() }}{% endif %}
{{ return(dbt.materialization_test_default()) }}
{% endmaterialization %}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WideMacros:
    """The figures of one size."""

    tests: int
    macros: int
    plan: Series
    listing: Series
    run: Series
    build: Series

    @property
    def plan_ratio(self) -> float:
        """The wall time of planning over that of `dbt ls`."""
        return ratio(self.plan, self.listing)

    @property
    def run_ratio(self) -> float:
        """The wall time of a run over that of `dbt build`."""
        return ratio(self.run, self.build)


def write_wide_project(folder: Path, *, tests: int, macros: int) -> None:
    """Write one model with `tests` columns, a test on each, and a test materialization that reaches `macros` macros.

    The macros call each other in a chain: the closure of the first is all of them.
    """
    (folder / "models").mkdir(parents=True)
    (folder / "macros").mkdir()
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    (folder / "macros" / "chain.sql").write_text("\n".join(_chained(number, macros) for number in range(macros)) + "\n")
    (folder / "macros" / "override.sql").write_text(OVERRIDE)
    columns = [f"c{number}" for number in range(tests)]
    selected = ", ".join(f"{number} as {column}" for number, column in enumerate(columns))
    (folder / "models" / "wide.sql").write_text(f"select {selected}\n")
    tested = "".join(f"      - {{name: {column}, data_tests: [not_null]}}\n" for column in columns)
    (folder / "models" / "wide.yml").write_text(f"models:\n  - name: wide\n    columns:\n{tested}")


def measure_wide_macros(tests: int, *, rounds: int, folder: Path, say: Callable[[str], None]) -> WideMacros:
    """Write the project with twice as many macros as tests, and measure the four commands in turn."""
    project, macros = folder / f"wide{tests}", 2 * tests
    write_wide_project(project, tests=tests, macros=macros)
    say(f"{tests} tests that each reach {macros} macros: warming up")
    _round(project)
    counted = []
    for number in range(rounds):
        counted.append(_round(project))
        told = ", ".join(f"{name} {one.seconds:.2f} s" for name, one in counted[-1].items())
        say(f"  round {number + 1} of {rounds}: {told}")
    series = {name: Series(name=name, runs=tuple(one[name] for one in counted)) for name in (PLAN, LIST, RUN, BUILD)}
    return WideMacros(
        tests=tests, macros=macros, plan=series[PLAN], listing=series[LIST], run=series[RUN], build=series[BUILD]
    )


def _round(project: Path) -> dict[str, Measured]:
    """Build with both, which must end alike, then plan what elt has just built, and list it."""
    said = {}

    def timed(name: str, *options: str) -> Measured:
        tool, *words = name.split()
        return measure([command(tool), *words, *options], folder=project, log=project / f"{tool}.out")

    built = timed(BUILD)
    said[BUILD] = statuses(project / "target")
    ran = timed(RUN, "--upstream", "none")
    said[RUN] = statuses(project / "target")
    same_or_fail("statuses", said)
    return {BUILD: built, RUN: ran, PLAN: timed(PLAN, "--upstream", "none"), LIST: timed(LIST)}


def _chained(number: int, macros: int) -> str:
    words = " ".join(f"{{% set w{number}_{word} = {word} %}}" for word in range(WORDS_PER_MACRO))
    further = f"{{% if false %}}{{{{ macro{number + 1}() }}}}{{% endif %}}" if number + 1 < macros else ""
    return f"{{% macro macro{number}() %}}{words}{further}{{% endmacro %}}"


def wide_macros_text(found: Sequence[WideMacros]) -> str:
    """Show planning beside listing, and running beside building, for each size."""
    lines = [
        "| tests | macros | contender | CPU time | wall time | to dbt | target |",
        "|---:|---:|---|---:|---:|---:|---:|",
    ]
    for one in found:
        pairs = (
            (one.plan, one.listing, one.plan_ratio, MOST_OF_PLAN),
            (one.run, one.build, one.run_ratio, MOST_OF_RUN),
        )
        for ours, theirs, to_dbt, most in pairs:
            lines.append(f"| {one.tests} | {one.macros} {_times(ours)} {to_dbt:.2f} | {most:.2f} |")
            lines.append(f"| | {_times(theirs)} 1.00 | |")
    return "\n".join(lines)


def _times(series: Series) -> str:
    return f"| {series.name} | {series.cpu_seconds:.2f} s | {series.seconds:.2f} s |"
