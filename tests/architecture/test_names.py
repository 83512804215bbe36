"""A reader who sees the name of a class or a module knows which one it is."""

import ast
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "orchestrator"
MODULES = sorted(PACKAGE.rglob("*.py"))


def repeated(names: list[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def test_the_names_of_public_classes_are_unique() -> None:
    nodes = (node for module in MODULES for node in ast.walk(ast.parse(module.read_text())))
    names = [node.name for node in nodes if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    assert "Plan" in names
    assert not repeated(names)


def test_the_names_of_modules_are_unique() -> None:
    names = [module.stem for module in MODULES if not module.stem.startswith("__")]
    assert "plan" in names
    assert not repeated(names)
