"""Finds what the names of a Python model mean. All functions share one scope here, so each name has one meaning."""

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.reuse.fingerprints import python_names as names

_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names in a Python module."""

    protocol: frozenset[str] = frozenset()
    """The parameters of `model`: dbt and the session."""
    modules: dict[str, str]
    """Modules by the name that they are imported as."""
    members: dict[str, tuple[str, str]]
    """Members of modules by the name that they are imported as: the module, and the member's own name."""
    bound: frozenset[str]
    """Names of assigned variables, parameters and functions."""
    shadowed: frozenset[str]
    """Names with two meanings."""
    functions: frozenset[str]
    values: dict[str, ast.expr]
    """The values of names that are bound exactly once, by a plain assignment, and cannot change later."""


def scope_of(tree: ast.Module) -> Scope:
    """Return the meaning of the names in a module."""
    modules, members = {}, {}
    bound: Counter[str] = Counter()
    functions: set[str] = set()
    values: dict[str, ast.expr] = {}
    protocol: set[str] = set()
    imported: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for one in node.names:
                    first = one.name.partition(".")[0]  # `import a.b` binds `a`
                    modules[one.asname or first] = one.name if one.asname else first
                    imported[one.asname or first] += 1
            case ast.ImportFrom(module=module, level=0) if module:
                for one in node.names:
                    imported[one.asname or one.name] += 1
                    if f"{module}.{one.name}" in names.MODULES:
                        modules[one.asname or one.name] = f"{module}.{one.name}"
                    else:
                        members[one.asname or one.name] = (module, one.name)
            case ast.FunctionDef(name="model", args=args):  # dbt calls this function
                bound["model"] += 1
                functions.add("model")
                protocol.update(one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs))
            case ast.FunctionDef(name=name):
                bound[name] += 1
                functions.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = value
    bound.update(_bound(tree))
    # A name that is imported and also bound may mean either at any place, so it is not followed.
    taken = protocol | imported.keys()
    shadowed = {name for name in bound if name in taken - protocol or _is_impure_builtin(name)}
    # If a function is defined twice, which of the two is called is not followed.
    shadowed |= {name for name in functions if bound[name] > 1 or name in protocol}
    shadowed |= {name for name, times in imported.items() if times > 1 and name in modules and name in members}
    used = Counter(one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load))
    once = {
        name: value
        for name, value in values.items()
        if bound[name] == 1 and name not in taken and (used[name] == 1 or not isinstance(value, _MUTABLE))
    }
    return Scope(
        protocol=frozenset(protocol),
        modules=modules,
        members=members,
        bound=frozenset(bound),
        shadowed=frozenset(shadowed),
        functions=frozenset(functions),
        values=once,
    )


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield a name for each place that binds it, except for functions and the parameters of `model`."""
    of_model = {
        id(one)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "model"
        for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.arg(arg=name) if id(node) not in of_model:
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name


def _is_impure_builtin(name: str) -> bool:
    return name in vars(builtins) and name not in names.BUILTINS
