"""Modules and functions stay small enough to hold in the head."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "orchestrator"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MOST_FUNCTION_LINES, MOST_PARAMETERS = 300, 60, 8


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_and_its_functions_stay_small(module: Path) -> None:
    """A module has at most 300 lines; a function at most 60, with at most 8 parameters."""
    assert len(module.read_text().splitlines()) <= MOST_LINES
    for function in functions(module):
        assert (function.end_lineno or 0) - function.lineno < MOST_FUNCTION_LINES, function.name
        arguments = function.args
        count = len(arguments.args) + len(arguments.kwonlyargs) + len(arguments.posonlyargs)
        assert count <= MOST_PARAMETERS, function.name


def test_the_budget_is_checked_against_real_modules() -> None:
    """The package is where the test looks for it."""
    assert PACKAGE / "masking.py" in MODULES
