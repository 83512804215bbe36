"""Each adapter uses only those internals of its tool that its bridge lists, and private names only in the bridge."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from orchestrator.adapters.probe import ToolAttribute

ADAPTERS = Path(__file__).parents[2] / "orchestrator" / "adapters"


@dataclass(frozen=True)
class Bridge:
    """An adapter, the packages of its tool, and its bridge."""

    adapter: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    public: frozenset[str] = frozenset()

    @property
    def needed(self) -> tuple[ToolAttribute, ...]:
        tables = vars(import_module(f"orchestrator.adapters.{self.adapter}.{self.modules[0]}"))
        more = {**tables.get("NEEDED_ON", {}), **tables.get("NEEDED_SINCE", {})}
        return (*tables["NEEDED"], *(each for table in more.values() for each in table))

    def files(self) -> list[Path]:
        return sorted((ADAPTERS / self.adapter).rglob("*.py"))

    def is_bridge(self, file: Path) -> bool:
        name = file.relative_to(ADAPTERS / self.adapter).with_suffix("").as_posix().replace("/", ".")
        return name in self.modules

    def is_of_tool(self, module: str | None) -> bool:
        return (module or "").partition(".")[0] in self.packages and module not in self.public


BRIDGES = [
    Bridge(
        "dbt",
        ("dbt", "dbt_common", "mashumaro"),
        ("bridge.needed", "bridge.access", "bridge.replacements", "bridge.releases"),
    ),
    Bridge("dlt", ("dlt",), ("dlt_bridge",), public=frozenset({"dlt"})),  # `import dlt` is its documented interface
    Bridge("great_expectations", ("great_expectations",), ("gx_bridge",)),
]
EACH = pytest.mark.parametrize("bridge", BRIDGES, ids=lambda bridge: bridge.adapter)
OF_PYTHON = {("sys", "_getframe"), ("os", "_exit")}


def imported(tree: ast.Module, bridge: Bridge) -> Iterator[str]:
    """Yield what a module imports from the tool: `module:name`, or `module` for `import module`."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), level=0) if bridge.is_of_tool(module):
                yield from (f"{module}:{name.name}" for name in node.names)
            case ast.Import():
                yield from (name.name for name in node.names if bridge.is_of_tool(name.name))


def through_modules(tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """Yield the attributes that are used of an imported module, as `module:name`."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(package), level=0):
                known |= {
                    name.asname or name.name: f"{package}.{name.name}"
                    for name in node.names
                    if f"{package}.{name.name}" in modules
                }
            case ast.Import():
                known |= {name.asname or name.name: name.name for name in node.names if name.name in modules}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (module := known.get(ast.unparse(node.value))) and node.attr[:2] != "__":
            yield f"{module}:{node.attr}"


@EACH
def test_an_adapter_imports_only_what_its_bridge_lists(bridge: Bridge) -> None:
    """A name that is imported from the tool, or used of its module, has an entry with its purpose."""
    paths = {(each.module, path) for each in bridge.needed for path in (each.path, each.path.partition(".")[0])}
    listed = {f"{module}:{path}" for module, path in paths}
    modules = {each.module for each in bridge.needed}
    for file in bridge.files():
        tree = ast.parse(file.read_text())
        for place in imported(tree, bridge):
            assert place in listed or place.replace(":", ".") in modules, (file.name, place)
        for place in through_modules(tree, modules):
            assert place in listed, (file.name, place)


@EACH
def test_a_bridge_lists_only_what_its_adapter_uses(bridge: Bridge) -> None:
    """The last name of each entry appears in the adapter's code, outside of the table."""
    code = "\n".join(ast.unparse(without_tables(ast.parse(file.read_text()))) for file in bridge.files())
    words = set(re.findall(r"\w+", code))
    unused = [str(each) for each in bridge.needed if each.path.rpartition(".")[2] not in words]
    assert not unused


def without_tables(tree: ast.Module) -> ast.Module:
    tree.body = [node for node in tree.body if not (isinstance(node, ast.Assign) and "listed(" in ast.unparse(node))]
    return tree


@EACH
def test_no_entry_is_listed_twice(bridge: Bridge) -> None:
    """Each attribute has one purpose."""
    places = [str(each) for each in bridge.needed]
    assert len(places) == len(set(places))


@EACH
def test_private_names_and_replaced_functions_are_in_the_bridge_alone(bridge: Bridge) -> None:
    """No other module uses a private name of the tool, overrides one, or replaces a function of the tool."""
    found = [
        f"{file.name}, line {line}: {what}"
        for file in bridge.files()
        if not bridge.is_bridge(file)
        for line, what in breaches(ast.parse(file.read_text()), bridge)
    ]
    assert not found


def breaches(tree: ast.Module, bridge: Bridge) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each private name and each replacement."""
    yield from private_names(tree, bridge)
    yield from replacements(tree, bridge)


def replacements(tree: ast.Module, bridge: Bridge) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each function of the tool that is replaced."""
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    of_tool = imported_names(tree, bridge)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="setattr") | ast.Attribute(attr="__setattr__")):
                yield node.lineno, ast.unparse(node)
            case ast.Assign(targets=[ast.Subscript(value=ast.Call(func=ast.Name(id="vars")))]):
                yield node.lineno, ast.unparse(node)
            case ast.Assign(targets=[ast.Attribute(value=holder)], value=value) if not is_own(holder, tree):
                is_function = isinstance(value, ast.Lambda) or (isinstance(value, ast.Name) and value.id in functions)
                if is_function or ast.unparse(holder).partition(".")[0] in of_tool:
                    yield node.lineno, ast.unparse(node)


def private_names(tree: ast.Module, bridge: Bridge) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each use of a private name of another module's object."""
    of_tool = imported_names(tree, bridge)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=holder), attr=name) if (holder, name) in OF_PYTHON:
                continue
            case ast.Attribute(value=holder, attr=name) if is_private(name) and not is_own(holder, tree):
                yield node.lineno, ast.unparse(node)
            case ast.ImportFrom(module=str(module), names=names) if bridge.is_of_tool(module):
                parts = (*module.split("."), *(name.name for name in names))
                yield from ((node.lineno, part) for part in parts if is_private(part))
            case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[_, ast.Constant(value=name), *_]):
                if is_private(str(name)):
                    yield node.lineno, ast.unparse(node)
            case ast.ClassDef() if {ast.unparse(base) for base in node.bases} & of_tool:
                yield from of_subclass(node)


def imported_names(tree: ast.Module, bridge: Bridge) -> set[str]:
    """Return the names by which a module knows what it imports from the tool."""
    return {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and bridge.is_of_tool(node.module)
        for name in node.names
    }


def of_subclass(node: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """Yield the private names that a subclass of the tool's class defines or uses: they could be the tool's own."""
    for inner in ast.walk(node):
        match inner:
            case ast.FunctionDef(name=name) | ast.Name(id=name, ctx=ast.Store()) if is_private(name):
                yield inner.lineno, f"{node.name}.{name}"
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if is_private(name):
                yield inner.lineno, f"{node.name}.{name}"


def is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def is_own(holder: ast.expr, tree: ast.Module) -> bool:
    """Return whether it is an object of the module itself: self, or what a class method makes."""
    made = {
        node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and ast.unparse(node.value).startswith("super().__new__(")
    }
    return isinstance(holder, ast.Name) and holder.id in {"self", "cls", *made}


@pytest.mark.parametrize(
    "code",
    [
        "job._file_path",
        "task._get_deferred_manifest()",
        "getattr(runner, '_execute_model', None)",
        "from dbt_common.context import _INVOCATION_CONTEXT_VAR",
        "from dbt.adapters._impl import x",
        "from dbt.parser import manifest\nmanifest.ManifestLoader.write = 1",
        "setattr(Pipeline, name, refuse)",
        "object.__setattr__(flags, 'X', 1)",
        "vars(schema)['_default'] = f",
        "runner.compile = lambda: None",
        "def f(): ...\nrunner.compile = f",
        "from dbt.task.run import ModelRunner\nclass Mine(ModelRunner):\n    def _execute_model(self): ...",
        "from dbt.task.run import ModelRunner\nclass Mine(ModelRunner):\n    def run(self): self._x = 1",
    ],
)
def test_the_check_finds_a_breach(code: str) -> None:
    """Each form of a private name and of a replaced function."""
    assert list(breaches(ast.parse(code), BRIDGES[0]))


@pytest.mark.parametrize("code", ["self._x = 1", "sys._getframe(1)", "node.compiled = False", "task.__class__"])
def test_the_check_allows_what_is_our_own_or_public(code: str) -> None:
    """An attribute of our own class, a documented name of Python, a public attribute that is set."""
    assert not list(breaches(ast.parse(code), BRIDGES[0]))
