"""`elt ls` names what `dbt ls` names, in dbt's formats."""

import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from orchestrator.adapters.dbt.ls_lines import list_lines
from orchestrator.adapters.dbt.selector import DbtSelector
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.api import Command, list_nodes
from tests.functional.dbt.sides import copied, dbt_lines, inside

pytestmark = pytest.mark.functional
EXPRESSIONS = (
    ("fct_orders",),
    ("+fct_orders",),
    ("fct_orders+1", "stg_*"),
    ("@stg_orders",),
    ("path:models/marts",),
    ("source:raw.orders+",),
    ("+exposure:board",),
    ("+saved_query:weekly",),
    ("metric:orders_n", "semantic_model:orders"),
    ("unit_test:amount_is_doubled", "test_type:unit"),
    ("test_type:generic,stg_orders",),
    ("resource_type:function", "package:tools"),
    ("config.materialized:incremental",),
    ("group:sales", "version:latest"),
    ("dim_customers.v1",),
    ("everything.staging", "test_name:unique"),
    ("file:talks.sql", "off"),
    ("fqn:*",),
)
OUTPUTS = ("json", "name", "path", "selector")
SELECTORS = """
    selectors:
      - name: marts
        default: true
        definition: {method: path, value: models/marts}
      - name: seeds
        definition: {method: resource_type, value: seed}
    """
Lines = list[str]


@pytest.fixture(scope="module")
def listed(everything: Path) -> Iterator[Callable[[tuple[str, ...], str], tuple[Lines, Lines]]]:
    """List with dbt first, which parses once for all, then with one session of ours; gives (dbt's, ours)."""
    theirs = {}
    with inside(everything), redirect_stdout(StringIO()):
        manifest = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", "parse"]).result
        for select, output in _questions():
            words = ["--no-send-anonymous-usage-stats", "ls", "--select", *select, "--output", output]
            theirs[select, output] = dbtRunner(manifest=manifest).invoke(["--quiet", *words]).result
    session = DbtSession(everything)
    session.open(("list", "--project-dir", str(everything), "--profiles-dir", str(everything)))
    try:
        session.parse()
        selector = DbtSelector(session)

        def both(select: tuple[str, ...], output: str) -> tuple[Lines, Lines]:
            nodes = selector.select(select=select, exclude=())
            return theirs[select, output], list(list_lines(session, nodes, output, ()))

        yield both
    finally:
        session.close()


def _questions() -> Iterator[tuple[tuple[str, ...], str]]:
    yield from ((select, "selector") for select in EXPRESSIONS)
    yield from ((("fct_orders+",), output) for output in OUTPUTS)


@pytest.mark.parametrize(("select", "output"), tuple(_questions()))
def test_an_expression_selects_what_it_selects_in_dbt(
    listed: Callable[[tuple[str, ...], str], tuple[Lines, Lines]], select: tuple[str, ...], output: str
) -> None:
    """Each method and operator of dbt's selection syntax, and each format, gives dbt's lines."""
    theirs, ours = listed(select, output)
    assert _comparable(ours, output) == _comparable(theirs, output)
    assert ours


def _comparable(lines: Lines, output: str) -> list[object]:
    return [json.loads(line) for line in sorted(lines)] if output == "json" else sorted(lines)


def test_the_default_selector_applies_when_nothing_is_selected(everything: Path, tmp_path: Path) -> None:
    """Without a selection the project's default selector holds; `--selector` and `--select` come before it."""
    folder = copied(everything, tmp_path / "elt", {"selectors.yml": SELECTORS})
    cases = ((), ("--selector", "seeds"), ("--select", "stg_orders"), ("--exclude", "resource_type:test"))
    for words in cases:
        assert sorted(_ours(folder, words)) == dbt_lines(folder, *words)


def _ours(folder: Path, words: tuple[str, ...]) -> tuple[str, ...]:
    option, value = words or ("", "")
    command = Command(
        project_dir=folder,
        profiles_dir=folder,
        select=(value,) if option == "--select" else (),
        exclude=(value,) if option == "--exclude" else (),
        dbt_options=words if option == "--selector" else (),
        has_selector=option == "--selector",
    )
    return list_nodes(command, output="selector")
