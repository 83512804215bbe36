"""Figures of the code's structure: `python -m benchmarks.structure`; nothing is timed.

The way of a value is measured: `elt run --select X` runs on a small project, and every function of `orchestrator` that
receives the selection, or what is made of it (the command, the request, the plan), is noted until the loop starts.
"""

import ast
import inspect
import os
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "orchestrator"
BRIDGES = ("adapters/dbt/bridge/", "adapters/dlt/dlt_bridge.py", "adapters/great_expectations/gx_bridge.py")
_SELECTED = "path:models/chosen.sql"
_PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: shop\nversion: '1.0'\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "models/base.sql": "select 1 as id",
    "models/chosen.sql": "select * from {{ ref('base') }}",
}
_CARRIERS = {"Command", "PlanRequest", "Selection", "Plan", "DecidedPlan", "RunTerms"}


class Way:
    """The modules of `orchestrator` that a value meets from the command line until the loop starts, by first call."""

    def __init__(self) -> None:
        self.called: dict[str, None] = {}
        """All modules in which a function was called."""
        self.received: dict[str, None] = {}
        """Those in which a function received the value."""
        self._passing: set[str] = set()
        self._is_on = False

    @property
    def passed(self) -> list[str]:
        """The modules that received the value and handed it on: to the loop, or as what they returned."""
        return [module for module in self.received if module in self._passing]

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        """Note a call or a return: the function to give to `sys.setprofile`."""
        module = _module_of(frame)
        if module is None or event not in {"call", "return"}:
            return
        self._is_on = self._is_on or module == "cli/run_verb.py"
        if not self._is_on:
            return
        self.called.setdefault(module)
        if not _receives(frame):
            return
        self.received.setdefault(module)
        if event == "return" and _is_value(argument):
            self._passing.add(module)
        if (module, frame.f_code.co_name) == ("execution/loop.py", "run_plan"):
            sys.setprofile(None)
            caller: FrameType | None = frame
            while caller is not None:
                self._passing.add(_module_of(caller) or "")
                caller = caller.f_back


def main() -> None:
    """Print the figures."""
    way = traced()
    layers = layers_of((ROOT / "pyproject.toml").read_text())
    for words, modules in (("hand it on", way.passed), ("receive it", list(way.received)), ("run", list(way.called))):
        climbs = returns(modules, layers)
        print(f"modules that {words} until the loop starts: {len(modules)}, returns to a higher layer: {climbs}")
    for module in way.received:
        print(f"  {'*' if module in way.passed else ' '} layer {_layer(module, layers):2}  {module}")
    for name, figure in static_figures().items():
        print(f"{name}: {figure}")


def traced() -> Way:
    """Run `elt run --select X` in this process, and return its way until the loop starts."""
    from orchestrator.cli.main import run_command_line

    way = Way()
    with TemporaryDirectory() as folder:
        for name, text in _PROJECT.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        before = Path.cwd()
        os.chdir(folder)
        sys.setprofile(way.note)
        try:
            run_command_line(["run", "--select", _SELECTED, "--quiet"])
        finally:
            sys.setprofile(None)
            os.chdir(before)
    return way


def returns(modules: Sequence[str], layers: Mapping[str, int]) -> int:
    """Count how often the next module is of a higher layer than the one before."""
    ranks = [_layer(module, layers) for module in modules]
    return sum(after < before for before, after in pairwise(ranks))


def layers_of(pyproject: str) -> dict[str, int]:
    """Return the layer of each package, the highest first, from the contract of the imports."""
    (contract,) = (
        one for one in tomllib.loads(pyproject)["tool"]["importlinter"]["contracts"] if one["type"] == "layers"
    )
    return {name: rank for rank, layer in enumerate(contract["layers"]) for name in re.split(r"\s*[:|]\s*", layer)}


def static_figures() -> dict[str, object]:
    """Return what is counted in the source."""
    figures: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for path in sorted(PACKAGE.rglob("*.py")):
        name, text = str(path.relative_to(PACKAGE)), path.read_text()
        figures["lines"] += text.count("\n")
        lines = iter(text.splitlines(keepends=True))
        tokens = tokenize.generate_tokens(lambda lines=lines: next(lines, ""))
        figures["comments"] += sum(token.type == tokenize.COMMENT for token in tokens)
        if path.name != "__init__.py":
            modules[path.stem] += 1
        tree = ast.parse(text)
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef(name=of_class) if not of_class.startswith("_"):
                    classes[of_class] += 1
                case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id="step"), *_]):
                    figures["isinstance(step, …)"] += 1
                case ast.Attribute(attr="relation", ctx=ast.Load()):
                    figures["reads of .relation"] += 1
                case ast.Call(func=ast.Name(id="manifest_from")):
                    figures["calls of manifest_from"] += 1
        if not name.startswith(BRIDGES):
            figures["private names of others outside of the bridges"] += sum(1 for _ in _private(tree))
    comments, lines = figures.pop("comments"), figures["lines"]
    return {
        **figures,
        "comments per 100 lines": round(100 * comments / lines, 1),
        "duplicate class names": [name for name, times in classes.items() if times > 1],
        "duplicate module names": [name for name, times in modules.items() if times > 1],
    }


def _private(tree: ast.AST) -> Iterator[str]:
    """Yield private attributes that are read from anything but `self` and `cls`."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and re.match(r"_[^_]", node.attr)
            and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
        ):
            yield node.attr


def _layer(module: str, layers: Mapping[str, int]) -> int:
    return layers[module.split("/", maxsplit=1)[0].removesuffix(".py")]


def _module_of(frame: FrameType) -> str | None:
    file = frame.f_code.co_filename
    return file.removeprefix(f"{PACKAGE}/") if file.startswith(f"{PACKAGE}/") else None


def _receives(frame: FrameType) -> bool:
    code = frame.f_code
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars]
    return any(_is_value(frame.f_locals.get(name)) for name in names)


def _is_value(value: Any) -> bool:
    match value:
        case str():
            return value == _SELECTED
        case tuple() | list():
            return _SELECTED in value
        case dict():
            return any(_is_value(one) for one in value.values() if isinstance(one, str | tuple | list))
    return type(value).__name__ in _CARRIERS


if __name__ == "__main__":
    main()
