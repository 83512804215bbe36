"""Reads the expressions of a template: what each name, attribute, call, filter and test in them may access.

The lists of `allowed` are valid by induction. A local variable contains plain data, because using an object or function
of dbt as a value is recorded as not understood. So any of its attributes may be read, and listed methods may be called.
"""

from collections.abc import Iterable
from enum import Enum, auto

from jinja2 import nodes

from orchestrator.reuse.fingerprints import allowed
from orchestrator.reuse.fingerprints.context_names import ContextNames
from orchestrator.reuse.fingerprints.notes import Notes


class Local(Enum):
    """What is known about a local variable."""

    VALUE = auto()
    SHARED = auto()
    """Its value is shared with other nodes: changing it affects them."""
    CALLABLE = auto()
    """It may be called: `caller` or a `joiner`."""
    MACRO = auto()
    """The result of `adapter.dispatch`: it may only be called."""
    MAYBE = auto()
    """It is set in some branches only. In the others, the name has its meaning in dbt's context."""


Scope = dict[str, Local]
_COMPOSED = (
    *(nodes.BinExpr, nodes.UnaryExpr, nodes.Compare, nodes.Operand, nodes.Concat, nodes.CondExpr, nodes.List),
    *(nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Slice),
)
_CALLABLES = frozenset({"joiner", "cycler"})
_SHARED = allowed.TARGET_VALUES | allowed.ASKING_VALUES | {"model", "config", "var"}
_ATTRIBUTE_FILTERS = frozenset({"attr", "groupby", "selectattr", "rejectattr"})
_TEST_FILTERS = {"select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}


class Expressions:
    """Reads expressions and records the findings in notes."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._context = ContextNames(notes)

    def value(self, node: nodes.Node, scope: Scope) -> None:
        """Read an expression whose value is used."""
        match node:
            case nodes.Const():
                self._constant(node)
            case nodes.TemplateData():  # text, in a block that is an expression
                pass
            case nodes.Name():
                self._name(node, scope)
            case nodes.Getattr() | nodes.Getitem():
                self._member(node, scope)
            case nodes.Call():
                self.call(node, scope)
            case nodes.Filter():
                self.filter(node, scope)
            case nodes.Test():
                self._test(node, scope)
            case _ if isinstance(node, _COMPOSED):
                self._composed(node, scope)
            case _:
                self._unknown(f"the syntax {type(node).__name__}", node.lineno)

    def kind_of(self, node: nodes.Node, scope: Scope) -> Local:
        """Return the kind of a variable that is set to an expression."""
        if self._is_dispatch(node, scope):
            return Local.MACRO
        if isinstance(node, nodes.Call) and self._global_function(node, scope) in _CALLABLES:
            return Local.CALLABLE
        return Local.SHARED if self._is_shared(node, scope) else Local.VALUE

    def assigned(self, node: nodes.Node, scope: Scope) -> None:
        """Read the value of `{% set %}`, which may be the result of `adapter.dispatch` for a later call."""
        if self._is_dispatch(node, scope) and isinstance(node, nodes.Call):
            self._call_of_path(node, scope)
        else:
            self.value(node, scope)

    def call(self, node: nodes.Call, scope: Scope) -> None:
        """Read a call."""
        called = node.node
        if self._is_dispatch(node, scope):
            self._unknown("what adapter.dispatch finds, which is passed on", node.lineno)
        if isinstance(called, nodes.Call) and self._is_dispatch(called, scope):
            self._call_of_path(called, scope)
            self._arguments(node, scope)
        elif isinstance(called, nodes.Name) and scope.get(called.name) in {Local.CALLABLE, Local.MACRO}:
            self._arguments(node, scope)
        else:
            self._call_of_path(node, scope)

    def filter(self, node: nodes.Filter, scope: Scope) -> None:
        """Read a filter and its subject."""
        self._filter_name(node.name, node.lineno)
        subject = node.node
        if _hides_order(node) and isinstance(subject, nodes.Call) and self._makes_set(subject, scope):
            self._arguments(subject, scope)
        elif subject is not None:  # the filter of a block has no subject
            self.value(subject, scope)
        if node.name == "map" and node.args:  # its first argument is the name of a filter
            self._named(node.args[0], "filter", node.lineno)
        if node.name in _TEST_FILTERS and len(node.args) > _TEST_FILTERS[node.name]:
            self._named(node.args[_TEST_FILTERS[node.name]], "test", node.lineno)
        read = [one.value for one in node.kwargs if one.key == "attribute"]
        read += node.args[:1] if node.name in _ATTRIBUTE_FILTERS else []
        for attribute in read:
            if isinstance(attribute, nodes.Const) and isinstance(attribute.value, str):  # Jinja follows the dots in it
                for part in attribute.value.split("."):
                    self._context.member(part, node.lineno)
        self._all([*node.args, *node.kwargs, *filter(None, (node.dyn_args, node.dyn_kwargs))], scope)

    def _composed(self, node: nodes.Node, scope: Scope) -> None:
        """Read an expression that is composed of others."""
        match node:
            case nodes.Compare(expr=expr, ops=[nodes.Operand(op="in" | "notin", expr=nodes.Call() as made)]) if (
                self._makes_set(made, scope)
            ):
                self._all([expr, *made.args], scope)
                return
            case nodes.Sub(left=left, right=right) if _is_view(left) or _is_view(right):
                self._notes.asks.setdefault(allowed.ORDER_OF_A_SET, node.lineno)  # differs in each process
            case _:
                pass
        self._all(node.iter_child_nodes(), scope)

    def _name(self, node: nodes.Name, scope: Scope) -> None:
        local = scope.get(node.name)
        if local is None:
            self._context.use(node.name, (), None, node.lineno)  # not a local variable: a name of dbt or a macro
        elif local is Local.MAYBE:
            self._maybe(node.name, (), node.lineno)
        elif local is Local.MACRO:
            self._unknown(f"{node.name}, a macro that is passed on", node.lineno)

    def _maybe(self, name: str, attributes: tuple[str, ...], line: int) -> None:
        """Record a variable that some branches do not set: there it is undefined, a macro or a name of dbt."""
        if name in allowed.CONTEXT:
            self._context.use(name, attributes, None, line)
        else:
            self._notes.names.update((name, *attributes))

    def _member(self, node: nodes.Getattr | nodes.Getitem, scope: Scope) -> None:
        """Read an attribute or an item that is not called."""
        path = _path(node)
        if path is not None and scope.get(path[0]) is None:
            self._context.use(*path, None, node.lineno)
            return
        attribute = _attribute(node)
        if attribute is not None:
            self._context.member(attribute, node.lineno)
        elif isinstance(node, nodes.Getitem):
            self.value(node.arg, scope)
        if path is not None and scope.get(path[0]) is Local.MAYBE:
            self._maybe(*path, node.lineno)
        else:
            self.value(node.node, scope)

    def _call_of_path(self, node: nodes.Call, scope: Scope) -> None:
        """Read a call of a name, of an attribute of a name, or of a method of any value."""
        called, line = node.node, node.lineno
        path = _path(called)
        if path is not None and path[0] not in scope:
            self._arguments(node, scope)
            is_computed = isinstance(called, nodes.Getitem) and path[0] not in {"builtins", "context"}
            if is_computed:
                self._unknown(f"{path[0]}['{path[1][-1]}']()", line)
            self._change_of(called, scope, line)
            self._context.use(*path, node, line)
            return
        if isinstance(called, nodes.Getattr):
            self._context.method(called.attr, line)
            self._change_of(called, scope, line)
            self.value(called.node, scope)
        elif isinstance(called, nodes.Name):
            self._unknown(f"{called.name}(), which calls a variable", line)
        else:
            self._unknown("a call of what is computed", line)
            self.value(called, scope)
        self._arguments(node, scope)

    def _change_of(self, called: nodes.Node, scope: Scope, line: int) -> None:
        if (
            isinstance(called, nodes.Getattr)
            and called.attr in allowed.MUTATORS
            and self._is_shared(called.node, scope)
        ):
            self._unknown(f"the method {called.attr}(), which changes a value that other nodes see", line)

    def _test(self, node: nodes.Test, scope: Scope) -> None:
        if node.name not in allowed.TESTS:
            self._unknown(f"the test {node.name}", node.lineno)
        if node.name == "sameas" and not (node.args and isinstance(node.args[0], nodes.Const)):
            self._unknown("the test sameas of what is computed", node.lineno)
        subject = node.node
        if isinstance(subject, nodes.Name) and node.name in {"defined", "undefined"}:
            if subject.name not in scope:
                self._notes.names.add(subject.name)
        else:
            self.value(subject, scope)
        self._all([*node.args, *node.kwargs, *filter(None, (node.dyn_args, node.dyn_kwargs))], scope)

    def _arguments(self, node: nodes.Call, scope: Scope) -> None:
        self._all([*node.args, *node.kwargs, *filter(None, (node.dyn_args, node.dyn_kwargs))], scope)

    def _all(self, expressions: Iterable[nodes.Node], scope: Scope) -> None:
        for one in expressions:
            self.value(one, scope)

    def _constant(self, node: nodes.Const) -> None:
        if isinstance(node.value, str):
            self._notes.strings.add(node.value)
            if "{{" in node.value or "{%" in node.value:
                self._notes.templates.append((node.value, node.lineno))  # dbt may render it later

    def _filter_name(self, name: str, line: int) -> None:
        if name == "random":
            self._notes.volatile.setdefault("the filter random", line)
        elif name not in allowed.FILTERS:
            self._unknown(f"the filter {name}", line)

    def _named(self, node: nodes.Expr, kind: str, line: int) -> None:
        """Read the name of a filter or test that is passed to a filter."""
        if not isinstance(node, nodes.Const) or not isinstance(node.value, str):
            self._unknown(f"a {kind} whose name is computed", line)
        elif kind == "filter":
            self._filter_name(node.value, line)
        elif node.value not in allowed.TESTS:
            self._unknown(f"the test {node.value}", line)

    def _global_function(self, node: nodes.Call, scope: Scope) -> str:
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        return "" if name in scope else name

    def _makes_set(self, node: nodes.Call, scope: Scope) -> bool:
        return self._global_function(node, scope) in allowed.SETS

    def _is_dispatch(self, node: nodes.Node, scope: Scope) -> bool:
        if not isinstance(node, nodes.Call) or not isinstance(node.node, nodes.Getattr):
            return False
        return _path(node.node) == ("adapter", ("dispatch",)) and "adapter" not in scope

    def _is_shared(self, node: nodes.Node, scope: Scope) -> bool:
        """Return whether a value is shared with other nodes: vars, the target, entries of the manifest."""
        while isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Call):
            node = node.node
        if not isinstance(node, nodes.Name):
            return False
        return scope[node.name] is Local.SHARED if node.name in scope else node.name in _SHARED

    def _unknown(self, what: str, line: int) -> None:
        self._notes.unknown.setdefault(what, line)


def _hides_order(node: nodes.Filter) -> bool:
    """Return whether the result of a filter does not depend on the order of a set."""
    is_exact = any(
        one.key == "case_sensitive" and isinstance(one.value, nodes.Const) and one.value.value for one in node.kwargs
    )
    return node.name in allowed.ORDERLESS_FILTERS or (node.name == "sort" and is_exact)


def _is_view(node: nodes.Node) -> bool:
    """Return whether an expression is a call of `keys()` or `items()`. The difference of two such views is a set."""
    return isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr in {"keys", "items"}


def _attribute(node: nodes.Getattr | nodes.Getitem) -> str | None:
    """Return the constant name of the attribute or item that is read; None if it is computed.

    Jinja looks for items and attributes alike.
    """
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None


def _path(node: nodes.Node) -> tuple[str, tuple[str, ...]] | None:
    """Return a name and the chain of attributes read from it; None for any other expression."""
    attributes: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        attribute = _attribute(node)
        if attribute is None:
            return None
        attributes.append(attribute)
        node = node.node
    return (node.name, tuple(reversed(attributes))) if isinstance(node, nodes.Name) else None
