"""What docs/architecture.md says of the code is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ROOT / "orchestrator"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WALK = PAGE.split("## Follow one run\n")[1].split("\n## ")[0]
ROWS = [(row[1], row[2]) for row in re.finditer(r"^\| `(\S+\.py)` \| (.+?) \|", WALK, re.MULTILINE)]
ASIDES = re.findall(r"`([\w.]+)` in `([\w/]+\.py)`", PAGE)


@cache
def names_in(module: str) -> frozenset[str]:
    """Return the functions, classes, constants and methods of a module, methods as Class.method."""
    body = ast.parse((CODE / module).read_text()).body
    found = {each.name for each in body if isinstance(each, ast.FunctionDef | ast.ClassDef)}
    found |= {
        name.id for each in body if isinstance(each, ast.Assign) for name in each.targets if isinstance(name, ast.Name)
    }
    for each in body:
        if isinstance(each, ast.ClassDef):
            found |= {f"{each.name}.{one.name}" for one in each.body if isinstance(one, ast.FunctionDef)}
    return frozenset(found)


@pytest.mark.parametrize(("module", "functions"), ROWS)
def test_every_function_of_the_walk_exists(module: str, functions: str) -> None:
    """Each function in a row of "Follow one run" is in the module of that row."""
    named = set(re.findall(r"`([\w.]+)`", functions))
    assert named
    assert named <= names_in(module), module


@pytest.mark.parametrize(("name", "module"), ASIDES)
def test_every_name_that_is_said_to_be_in_a_module_is_there(name: str, module: str) -> None:
    """Wherever the page says that something is in a module, it is."""
    assert name in names_in(module)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w]+/)+[\w]+\.\w+)`", PAGE))))
def test_every_file_that_the_page_names_exists(path: str) -> None:
    """Paths are relative to the package, to the repository, or to the package of their row."""
    assert (CODE / path).exists() or (ROOT / path).exists() or list(CODE.glob(f"**/{path}"))
