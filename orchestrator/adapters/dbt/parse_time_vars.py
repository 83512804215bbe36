"""Decides from the texts of a project whether dbt's parse can depend on the values of some vars.

dbt parses a whole project again when a value of `--vars` differs. That is not necessary for vars that only appear in
the SQL of nodes. Whatever is not understood here counts as read by the parse.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from jinja2 import TemplateSyntaxError, nodes

from orchestrator.reuse.fingerprints.jinja import parse

_TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\bvar\s*\([^)]*\)", re.DOTALL)
"""What dbt evaluates in YAML: tags, and `var('x')` without braces as an argument of a generic test."""
_DEFINED = re.compile(r"\{%-?\+?\s*macro\s+(\w+)")
_PURE = frozenset(
    {
        *("var", "log", "print", "namespace", "dict", "range", "zip", "zip_strict", "set", "set_strict", "caller"),
        *("tojson", "fromjson", "toyaml", "fromyaml", "local_md5", "load_result", "is_incremental"),
    }
)
"""Functions whose calls leave nothing in dbt's manifest, apart from `macro.dbt.is_incremental`."""
_VALUES = frozenset({"modules", "adapter", "api", "var"})
"""Names whose methods only return values, apart from `adapter.dispatch`."""
_CALLED_BY_PARSE = frozenset(
    {
        *("generate_schema_name", "generate_alias_name", "generate_database_name", "get_where_subquery"),
        *("ref", "source", "config", "function", "metric"),
    }
)
"""Macros that dbt calls when it parses, or functions that a project may replace by a macro."""
_HOOKS = frozenset({"pre_hook", "post_hook"})
_OTHER_VALUES = frozenset({"loop", "varargs", "kwargs"})


def read_by_parse(names: Collection[str], files: Mapping[str, str]) -> str | None:
    """Return what of the parse can depend on the vars with these names, with its file and line; None if nothing can.

    `files` are the texts of the project and its packages by path. Files that do not end in `.sql` are taken as YAML.
    """
    return _Project(names, files).finding()


class _MattersError(Exception):
    """A value that dbt's parse may read."""


class _Project:
    """What is known of the macros of a project while its files are read until nothing new is found."""

    def __init__(self, names: Collection[str], files: Mapping[str, str]) -> None:
        # A name can be put together from pieces, such as 'elt_data_interval_' ~ side.
        self._pieces = frozenset(
            name.removeprefix("elt_").removesuffix("_start").removesuffix("_end") for name in names
        )
        self._files = files
        self._trees: dict[str, nodes.Template] = {}
        self.defined = frozenset(
            one
            for path, text in files.items()
            if path.endswith(".sql")
            for macro in _DEFINED.findall(text)
            for one in _with_dispatched(macro)
        )
        self.reading: set[str] = set()
        """The macros whose result can depend on the vars."""
        self.given: set[str] = set()
        """The macros that are called with values that depend on the vars."""

    def finding(self) -> str | None:
        if not self.names_one("\n".join(self._files.values())):
            return None
        try:
            while self._read():
                pass
        except _MattersError as found:
            return str(found)
        return None

    def names_one(self, text: str) -> bool:
        """Return whether a text contains the name of one of the vars, or a piece of it."""
        return any(piece in text for piece in self._pieces)

    def _read(self) -> bool:
        """Read all files that matter once; return whether that told anything new about macros."""
        before = len(self.reading) + len(self.given)
        macros = re.compile(rf"\b(\w+__)?({'|'.join(map(re.escape, sorted(self.reading | self.given))) or '(?!)'})\b")
        for path, text in self._files.items():
            if path.endswith(".sql"):
                if self.names_one(text) or macros.search(text):
                    self._template(path, text)
            else:
                self._yaml(path, text)
        if called := self.reading & _CALLED_BY_PARSE:
            raise _MattersError(f"the macro {min(called)}, which dbt calls when it parses")
        return len(self.reading) + len(self.given) > before

    def _yaml(self, path: str, text: str) -> None:
        for tag in _TAGS.finditer(text):
            if self.names_one(tag[0]) or self.reading.intersection(re.findall(r"\w+", tag[0])):
                raise _MattersError(f"{path}:{text.count(chr(10), 0, tag.start()) + 1}")
        if path.endswith(".py") and self.names_one(text):
            raise _MattersError(path)

    def _template(self, path: str, text: str) -> None:
        try:
            tree = self._trees.get(path) or self._trees.setdefault(path, parse(text))
        except (TemplateSyntaxError, RecursionError) as error:
            raise _MattersError(f"{path}, which Jinja cannot parse") from error
        try:
            self.units(tree)
        except RecursionError as error:
            raise _MattersError(path) from error
        except _MattersError as found:
            raise _MattersError(f"{path}:{found}") from found

    def units(self, tree: nodes.Template) -> None:
        """Read the top of a template, and each of its macros; each has variables of its own."""
        macros = [node for node in tree.body if isinstance(node, nodes.Macro)]
        _Unit(self, [node for node in tree.body if not isinstance(node, nodes.Macro)]).read()
        for macro in macros:
            unit = _Unit(self, [macro])
            unit.read()
            if any(unit.depends(node) for node in macro.iter_child_nodes()):
                self.reading.update(_with_dispatched(macro.name))


class _Unit:
    """One macro, or a template without its macros."""

    def __init__(self, project: _Project, body: list[nodes.Node]) -> None:
        self._project = project
        self._body = body
        targets = (name for node in body for name in [node, *node.find_all(nodes.Name)] if isinstance(name, nodes.Name))
        self._locals = {name.name for name in targets if name.ctx in {"store", "param"}} | _OTHER_VALUES
        self._tainted: set[str] = set()
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
                return isinstance(node.value, str) and self._project.names_one(node.value)
            case nodes.Name():
                return node.name in self._tainted
            case nodes.Call() if _last_name(node.node) in self._project.reading:
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
                raise _MattersError(str(node.lineno))

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
                for parameter in node.args:
                    self._set(parameter, is_tainted=node.name in self._project.given)
                self._expressions(node.defaults, is_conditional)
            case nodes.CallBlock():
                self._expressions([node.call], is_conditional)
                # A macro may do anything with what the block renders; `statement` sends it to the database.
                if _last_name(node.call.node) != "statement" and any(map(self.depends, node.body)):
                    raise _MattersError(str(node.lineno))
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
                    raise _MattersError(str(node.lineno))  # such as context[…]
                case _:
                    self._expressions(node.iter_child_nodes(), is_conditional)

    def _call(self, call: nodes.Call, is_conditional: bool) -> None:  # noqa: FBT001
        callee, name = call.node, _last_name(call.node)
        arguments = list(self._arguments(call))
        self._expressions(arguments, is_conditional)
        is_given = any(map(self.depends, arguments))
        if not isinstance(callee, nodes.Getattr):
            self._expressions([callee], is_conditional)
            if self.depends(callee):  # which function is called depends on a value
                raise _MattersError(str(call.lineno))
        if isinstance(callee, nodes.Getattr) and name != "dispatch" and self._is_value(callee.node):
            self._expressions([callee.node], is_conditional)
            if isinstance(callee.node, nodes.Name) and callee.node.name in self._locals:
                self._set(callee.node, is_tainted=is_conditional or is_given)  # such as parts.append(…)
        elif name == "return" or name in _PURE:
            if name == "return" and is_conditional:  # what follows is then conditional too
                raise _MattersError(str(call.lineno))
        elif is_conditional:  # what is called may be ref(), or dbt notes that the node uses the macro
            raise _MattersError(str(call.lineno))
        elif is_given:
            if name not in self._project.defined or name in _CALLED_BY_PARSE:
                raise _MattersError(str(call.lineno))
            self._project.given.update((name, *(one for one in self._project.defined if one.endswith(f"__{name}"))))

    def _arguments(self, call: nodes.Call) -> Iterator[nodes.Node]:
        """Yield the arguments of a call; hooks are rendered when the node runs, and only followed here."""
        yield from call.args
        for one in call.kwargs:
            if _last_name(call.node) == "config" and one.key in _HOOKS:
                self._hooks(one.value)
            else:
                yield one.value
        yield from filter(None, (call.dyn_args, call.dyn_kwargs))

    def _hooks(self, value: nodes.Node) -> None:
        for text in (one.value for one in [value, *value.find_all(nodes.Const)] if isinstance(one, nodes.Const)):
            if isinstance(text, str):
                self._project.units(parse(text))
        if self.depends(value) and any(True for _ in value.find_all((nodes.Call, nodes.Name))):
            raise _MattersError(str(value.lineno))

    def _is_value(self, node: nodes.Node) -> bool:
        """Return whether an expression is no package or object of dbt: its methods only return values."""
        match node:
            case nodes.Name():
                return node.name in self._locals | _VALUES
            case nodes.Getattr() | nodes.Getitem():
                return self._is_value(node.node)
            case _:
                return True


def _last_name(node: nodes.Node) -> str:
    """Return the name of what is called: `date_trunc` in `dbt.date_trunc`, and in `adapter.dispatch('date_trunc')`."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            return node.attr
        case nodes.Call(node=nodes.Getattr(attr="dispatch"), args=[nodes.Const(value=str(name)), *_]):
            return name
        case _:
            return ""


def _with_dispatched(name: str) -> tuple[str, ...]:
    """Return the names by which a macro is called: `adapter.dispatch('x')` calls `default__x`."""
    _, _, dispatched = name.partition("__")
    return (name, dispatched) if dispatched else (name,)
