"""Follows values of vars through templates, up to where dbt's parse can read them.

The parse keeps what the calls of ref(), source() and config() say, and which macros were called. The SQL that a
template renders is thrown away. A value may therefore go into SQL, variables and macros, but not into such a call, and
no such call may stand under a condition that depends on it.
"""

from collections.abc import Collection, Iterable, Iterator

from jinja2 import nodes

from orchestrator.adapters.dbt.macro_uses import CHANGING, MacroUses, ParseMattersError, called_name
from orchestrator.reuse.fingerprints.jinja import parse

_PURE = frozenset(
    {
        *("var", "log", "print", "namespace", "dict", "range", "zip", "zip_strict", "set", "set_strict", "caller"),
        *("tojson", "fromjson", "toyaml", "fromyaml", "local_md5", "load_result", "is_incremental"),
    }
)
"""Functions whose calls leave nothing in dbt's manifest, apart from `macro.dbt.is_incremental`."""
_VALUES = frozenset({"modules", "adapter", "api", "var"})
"""Names whose methods only return values, apart from `adapter.dispatch`."""
CALLED_BY_PARSE = frozenset(
    {
        *("generate_schema_name", "generate_alias_name", "generate_database_name", "get_where_subquery"),
        *("ref", "source", "config", "function", "metric"),
    }
)
"""Macros that dbt calls when it parses, or functions that a project may replace by a macro."""
_HOOKS = frozenset({"pre_hook", "post_hook"})
_OTHER_VALUES = frozenset({"loop", "varargs", "kwargs"})


def read_template(uses: MacroUses, tree: nodes.Template) -> None:
    """Read a template and its macros, and note what it tells about macros.

    Raises:
        ParseMattersError: dbt's parse of it can depend on the vars; the text is the line.
    """
    _Unit(uses, [node for node in tree.body if not isinstance(node, nodes.Macro)]).read()
    for macro in tree.find_all(nodes.Macro):
        unit = _Unit(uses, [macro])
        unit.read()
        uses.note_macro(macro, is_reading=any(map(unit.depends, macro.iter_child_nodes())))
        if given := uses.parameters(macro):  # separately: what other callers get does not depend on the vars
            _Unit(uses, [macro], given).read()


class _Unit:
    """One macro, or a template without its macros."""

    def __init__(self, uses: MacroUses, body: list[nodes.Node], tainted: Collection[str] = ()) -> None:
        self._uses = uses
        self._body = body
        targets = (name for node in body for name in [node, *node.find_all(nodes.Name)] if isinstance(name, nodes.Name))
        self._locals = {name.name for name in targets if name.ctx in {"store", "param"}} | _OTHER_VALUES
        self._tainted = set(tainted)
        """The variables whose values can depend on the vars."""

    def read(self) -> None:
        """Raise if dbt's parse can depend on a value."""
        known = -1
        while len(self._tainted) > known:
            known = len(self._tainted)
            self._statements(self._body, is_conditional=False)

    def depends(self, node: nodes.Node) -> bool:
        """Return whether an expression, or anything in a statement, can depend on the vars."""
        match node:
            case nodes.Const():
                return isinstance(node.value, str) and self._uses.names_var(node.value)
            case nodes.Name():
                return node.name in self._tainted
            case nodes.Call() if called_name(node.node) in self._uses.reading:
                return True
            case _:
                return any(map(self.depends, node.iter_child_nodes()))

    def _statements(self, body: Iterable[nodes.Node], *, is_conditional: bool) -> None:
        for node in body:
            self._statement(node, is_conditional)

    def _statement(self, node: nodes.Node, is_conditional: bool) -> None:  # noqa: FBT001
        match node:
            case nodes.Output():
                self._expressions(node.nodes, is_conditional)
            case nodes.ExprStmt():
                self._expressions([node.node], is_conditional)
            case nodes.If():
                self._if(node, is_conditional)
            case nodes.For():
                self._for(node, is_conditional)
            case nodes.Assign() | nodes.AssignBlock() | nodes.With():
                self._assign(node, is_conditional)
            case nodes.Macro() | nodes.CallBlock() | nodes.FilterBlock():
                self._block(node, is_conditional)
            case nodes.Break() | nodes.Continue() if not is_conditional:
                pass
            case _:
                raise ParseMattersError(str(node.lineno))

    def _assign(self, node: nodes.Assign | nodes.AssignBlock | nodes.With, is_conditional: bool) -> None:  # noqa: FBT001
        match node:
            case nodes.Assign():
                self._expressions([node.node], is_conditional)
                self._set(node.target, is_tainted=is_conditional or self.depends(node.node))
            case nodes.AssignBlock():
                self._statements(node.body, is_conditional=is_conditional)
                self._set(node.target, is_tainted=is_conditional or any(map(self.depends, node.body)))
            case nodes.With():
                for target, value in zip(node.targets, node.values, strict=True):
                    self._expressions([value], is_conditional)
                    self._set(target, is_tainted=is_conditional or self.depends(value))
                self._statements(node.body, is_conditional=is_conditional)

    def _block(self, node: nodes.Macro | nodes.CallBlock | nodes.FilterBlock, is_conditional: bool) -> None:  # noqa: FBT001
        match node:
            case nodes.Macro():
                self._expressions(node.defaults, is_conditional)
            case nodes.CallBlock():
                self._expressions([node.call], is_conditional)
                # A macro may do anything with what the block renders; `statement` sends it to the database.
                if called_name(node.call.node) != "statement" and any(map(self.depends, node.body)):
                    raise ParseMattersError(str(node.lineno))
        self._statements(node.body, is_conditional=is_conditional)

    def _if(self, node: nodes.If, is_conditional: bool) -> None:  # noqa: FBT001
        for branch in (node, *node.elif_):
            self._expressions([branch.test], is_conditional)
            is_conditional = is_conditional or self.depends(branch.test)
            self._statements(branch.body, is_conditional=is_conditional)
        self._statements(node.else_, is_conditional=is_conditional)

    def _for(self, node: nodes.For, is_conditional: bool) -> None:  # noqa: FBT001
        self._expressions([node.iter], is_conditional)
        self._set(node.target, is_tainted=is_conditional or self.depends(node.iter))
        is_conditional = is_conditional or self.depends(node.iter)
        if node.test is not None:
            self._expressions([node.test], is_conditional)
            is_conditional = is_conditional or self.depends(node.test)
        self._statements([*node.body, *node.else_], is_conditional=is_conditional)

    def _set(self, target: nodes.Node, *, is_tainted: bool) -> None:
        names = [target, *target.find_all((nodes.Name, nodes.NSRef))]
        if is_tainted:
            self._tainted |= {name.name for name in names if isinstance(name, nodes.Name | nodes.NSRef)}

    def _expressions(self, found: Iterable[nodes.Node], is_conditional: bool) -> None:  # noqa: FBT001
        for node in found:
            match node:
                case nodes.Call():
                    self._call(node, is_conditional)
                case nodes.CondExpr():
                    self._expressions([node.test], is_conditional)
                    either = filter(None, (node.expr1, node.expr2))
                    self._expressions(either, is_conditional or self.depends(node.test))
                case nodes.And() | nodes.Or():
                    self._expressions([node.left], is_conditional)
                    self._expressions([node.right], is_conditional or self.depends(node.left))
                case nodes.Getitem() if self.depends(node.arg) and not self._is_value(node.node):
                    raise ParseMattersError(str(node.lineno))  # such as context[…]
                case _:
                    self._expressions(node.iter_child_nodes(), is_conditional)

    def _call(self, call: nodes.Call, is_conditional: bool) -> None:  # noqa: FBT001
        callee, name = call.node, called_name(call.node)
        arguments = list(self._arguments(call))
        self._expressions(arguments, is_conditional)
        is_given = any(map(self.depends, arguments))
        is_method = isinstance(callee, nodes.Getattr) and name != "dispatch" and self._is_value(callee.node)
        if is_method or not isinstance(callee, nodes.Getattr):
            self._expressions(callee.iter_child_nodes() if is_method else [callee], is_conditional)
        if is_method and name in CHANGING and (is_conditional or is_given):
            self._tainted |= self._locals  # several variables may hold the same list
        if not is_method:
            self._function(call, is_given=is_given, is_conditional=is_conditional)
        if name in self._uses.changing and (is_given or name in self._uses.reading):
            self._tainted |= {one.name for one in arguments if isinstance(one, nodes.Name)} & self._locals

    def _function(self, call: nodes.Call, *, is_given: bool, is_conditional: bool) -> None:
        """Follow a call of a macro or of a function of dbt."""
        callee, name = call.node, called_name(call.node)
        if name in _PURE or (name == "return" and not is_conditional):
            return
        # Under a condition, it may be ref() that is called, and dbt also notes which macros a node uses.
        # After a conditional return(), what follows is conditional too.
        is_chosen = not isinstance(callee, nodes.Getattr) and self.depends(callee)
        is_understood = name in self._uses.defined and name not in CALLED_BY_PARSE
        if is_conditional or is_chosen or (is_given and not is_understood):
            raise ParseMattersError(str(call.lineno))
        if is_given:
            self._uses.note_given(name, self._given_places(call))

    def _given_places(self, call: nodes.Call) -> Iterator[int | str]:
        """Yield the position or the name of each argument that can depend on the vars."""
        yield from (at for at, value in enumerate(call.args) if self.depends(value))
        yield from (one.key for one in call.kwargs if self.depends(one.value))
        if any(map(self.depends, filter(None, (call.dyn_args, call.dyn_kwargs)))):
            yield "*"

    def _arguments(self, call: nodes.Call) -> Iterator[nodes.Node]:
        """Yield the arguments of a call; hooks are rendered when the node runs, and only followed here."""
        yield from call.args
        for one in call.kwargs:
            if called_name(call.node) == "config" and one.key in _HOOKS:
                self._hooks(one.value)
            else:
                yield one.value
        yield from filter(None, (call.dyn_args, call.dyn_kwargs))

    def _hooks(self, value: nodes.Node) -> None:
        for text in (one.value for one in [value, *value.find_all(nodes.Const)] if isinstance(one, nodes.Const)):
            if isinstance(text, str):
                read_template(self._uses, parse(text))
        if self.depends(value) and any(True for _ in value.find_all((nodes.Call, nodes.Name))):
            raise ParseMattersError(str(value.lineno))

    def _is_value(self, node: nodes.Node) -> bool:
        """Return whether an expression is no package or object of dbt: its methods only return values."""
        match node:
            case nodes.Name():
                return node.name in self._locals | _VALUES
            case nodes.Getattr() | nodes.Getitem():
                return self._is_value(node.node)
            case _:
                return True
