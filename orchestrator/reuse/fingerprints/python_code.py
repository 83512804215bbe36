"""Reads a Python model: what its result depends on besides its code, and its code without comments and layout.

A model is understood if every name, attribute and import in it is on a list of pure ones. Such code cannot produce any
other value, so everything that it calls is pure too. Texts that it executes are checked separately.
"""

import ast
import re
from dataclasses import dataclass, field, replace

from orchestrator.reuse.fingerprints import python_names as names
from orchestrator.reuse.fingerprints.python_calls import CALLED_ONLY, findings_of_call
from orchestrator.reuse.fingerprints.python_scope import Scope, scope_of
from orchestrator.reuse.fingerprints.python_sets import unordered
from orchestrator.reuse.fingerprints.python_values import constant_text, reads_the_clock, resolved, shows_its_address
from orchestrator.reuse.fingerprints.reading import NOTHING, Found, TextReading

_CALL = re.compile(r'(\w+)"?\s*\(')


def read_python(code: str) -> TextReading:
    """Return the reading of a Python model. Code that cannot be parsed counts as volatile."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return replace(NOTHING, volatile=(("code that is no Python", 1),))
    reader = _CodeReader(scope_of(tree))
    reader.visit(tree)
    reader.unknown += unordered(tree)  # the order of texts in a set differs in each process
    return TextReading(
        own_entry=reader.own_entry,
        beside_the_sql=reader.is_incremental,
        volatile=_in_order(reader.volatile),
        unknown=_in_order(reader.unknown),
    )


def normal_python(code: str) -> str:
    """Return Python code without comments and layout; unchanged if it is not valid Python."""
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError):
        return code


def sql_calls(code: str) -> frozenset[str]:
    """Return every name that a text in the code may call in SQL, in lower case.

    Functions that users store in the database may replace those of DuckDB, so the caller compares the names.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    texts = (one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str))
    return frozenset(name.lower() for text in texts for name in _CALL.findall(text))


def _in_order(found: list[tuple[str, int]]) -> Found:
    first: dict[str, int] = {}
    for what, line in sorted(found, key=lambda one: one[1]):
        first.setdefault(what, line)
    return tuple(first.items())


@dataclass(slots=True)
class _CodeReader(ast.NodeVisitor):
    """Visits every node of the code. A kind of node without a rule here is understood if its parts are."""

    scope: Scope
    volatile: list[tuple[str, int]] = field(default_factory=list)
    unknown: list[tuple[str, int]] = field(default_factory=list)
    own_entry: bool = False
    is_incremental: bool = False
    called: ast.expr | None = None
    """The function expression of the call that is being visited."""

    def visit_Import(self, node: ast.Import) -> None:
        """Check that the module is known. Its members are checked where they are used."""
        for one in node.names:
            if one.name.partition(".")[0] in names.VOLATILE_MODULES:
                self.volatile.append((f"import {one.name}", node.lineno))
            elif one.name not in names.MODULES:
                self.unknown.append((f"import {one.name}", node.lineno))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Check that each imported member is known, because it may be used in any way."""
        module = "." * node.level + (node.module or "")
        if module.partition(".")[0] in names.VOLATILE_MODULES:
            self.volatile.append((f"from {module} import …", node.lineno))
            return
        for one in node.names:
            path = f"{module}.{one.name}"
            if path in names.MODULES or one.name in names.MODULES.get(module, ()):
                continue
            if module in names.MODULES and one.name in names.VOLATILE_NAMES:
                self.volatile.append((one.name, node.lineno))
            else:
                self.unknown.append((f"from {module} import {one.name}", node.lineno))

    def visit_Name(self, node: ast.Name) -> None:
        """Check a name that is used as a value or bound."""
        name = node.id
        if name in self.scope.protocol or name in self.scope.modules:
            self.unknown.append((f"{name} as a value", node.lineno))
        elif name in self.scope.shadowed:
            self.unknown.append((f"{name}, which has two meanings", node.lineno))
        elif ".".join(self.scope.members.get(name, ())) in CALLED_ONLY and node is not self.called:
            self.unknown.append((f"{name} as a value", node.lineno))
        elif name in self.scope.bound or name in self.scope.members or name in names.BUILTINS:
            pass
        elif name in names.VOLATILE_NAMES or name in names.IMPURE_BUILTINS:
            self.volatile.append((name, node.lineno))
        else:
            self.unknown.append((name, node.lineno))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Check an attribute of `dbt`, of a module, or of any other object."""
        base = node.value
        if isinstance(base, ast.Name) and base.id in self.scope.protocol:  # dbt or the session
            self._protocol(node, base.id)
            return
        path = resolved(node, self.scope)
        if path is not None:
            self._member(node, *path)
            return
        self._method(node)
        if not self._is_config_or_this(base):  # checked as a whole above
            self.visit(base)

    def visit_Call(self, node: ast.Call) -> None:
        """Check what is called, its arguments, and the texts that it executes."""
        self.unknown += findings_of_call(node, self.scope)
        self.called = node.func  # tells a call of a name from its use as a value
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Allow `dbt.config(…)` as a statement of its own: its return value would give access to the configuration."""
        match node.value:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="dbt"), attr="config"), args=args, keywords=keywords):
                for argument in (*args, *(one.value for one in keywords)):
                    self.visit(argument)
            case _:
                self.generic_visit(node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        """Record the text of a function, which contains its memory address."""
        if shows_its_address(node.value, self.scope):
            self.unknown.append(("the text of a function", node.value.lineno))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Record a text that may be interpreted as a time relative to the clock or as a random choice."""
        if isinstance(node.value, str) and (what := reads_the_clock(node.value)):
            self.unknown.append((what, node.lineno))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Record a class, whose effect on its objects is not followed."""
        self.unknown.append((f"class {node.name}", node.lineno))
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Record an async function, whose order of execution is not known."""
        self.unknown.append((f"async def {node.name}", node.lineno))
        self.generic_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        """Record a class pattern, which reads attributes by names that are not nodes of the tree."""
        self.unknown.append(("match with a class", node.cls.lineno))

    def _method(self, node: ast.Attribute) -> None:
        if node.attr in names.VOLATILE_NAMES:
            self.volatile.append((node.attr, node.lineno))
        elif self._is_config_or_this(node.value):
            self._of_config_or_this(node)
        elif node.attr not in (names.METHODS if isinstance(node.ctx, ast.Load) else names.STORED):
            self.unknown.append((f".{node.attr}", node.lineno))
        elif (
            node.attr in names.ONLY_CALLED and node is not self.called and constant_text(node.value, self.scope) is None
        ):
            self.unknown.append((f".{node.attr} as a value", node.lineno))

    def _protocol(self, node: ast.Attribute, of: str) -> None:
        if of != "dbt":
            self.unknown.append((f"{of}.{node.attr}", node.lineno))
        elif not isinstance(node.ctx, ast.Load):
            self.unknown.append((f"dbt.{node.attr}, which is set", node.lineno))
        elif node.attr == "is_incremental":
            self.is_incremental = True
        elif node.attr == "config":
            self.unknown.append(("dbt.config as a value", node.lineno))
        elif node.attr not in {"ref", "source", "this"}:
            self.unknown.append((f"dbt.{node.attr}", node.lineno))

    def _is_config_or_this(self, node: ast.expr) -> bool:
        match node:
            case ast.Attribute(value=ast.Name(id="dbt"), attr="config" | "this"):
                return "dbt" in self.scope.protocol
            case _:
                return False

    def _of_config_or_this(self, node: ast.Attribute) -> None:
        of_config = isinstance(node.value, ast.Attribute) and node.value.attr == "config"
        if of_config and node.attr in names.OWN_ENTRY and isinstance(node.ctx, ast.Load):
            self.own_entry = True
        elif of_config or node.attr not in names.THIS or not isinstance(node.ctx, ast.Load):
            self.unknown.append((f"dbt.{'config' if of_config else 'this'}.{node.attr}", node.lineno))

    def _member(self, node: ast.Attribute, module: str, members: tuple[str, ...]) -> None:
        """Check `pandas.DataFrame.from_dict`: first the member of the module, then the methods called on it."""
        first, *rest = members
        volatile = next((one for one in members if one in names.VOLATILE_NAMES), None)
        if volatile is not None:
            self.volatile.append((volatile, node.lineno))
        elif module not in names.MODULES:
            pass  # the import is already reported
        # Setting a member changes it for every other model in the process.
        elif first not in names.MODULES[module] or not isinstance(node.ctx, ast.Load):
            self.unknown.append((f"{module}.{first}", node.lineno))
        elif f"{module}.{first}" in CALLED_ONLY and node is not self.called:
            self.unknown.append((f"{module}.{first} as a value", node.lineno))
        else:
            pure = names.METHODS - names.ONLY_CALLED  # those may execute a text, and are checked where they are called
            self.unknown += [(f".{one}", node.lineno) for one in rest if one not in pure]
