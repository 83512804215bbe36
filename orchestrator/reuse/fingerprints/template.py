"""Walks a template's syntax tree with Jinja's variable scopes. Every branch is read, whether it is taken or not."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from jinja2 import TemplateSyntaxError, nodes

from orchestrator.reuse.fingerprints.expressions import Expressions, Local, Scope
from orchestrator.reuse.fingerprints.jinja import parse, pieces_of, sql_around_tags
from orchestrator.reuse.fingerprints.notes import Notes
from orchestrator.reuse.fingerprints.reading_value import NOTHING, TextReading, at_line

# Jinja defines these names in every macro.
_OF_EVERY_MACRO = {"varargs": Local.VALUE, "kwargs": Local.VALUE, "caller": Local.CALLABLE}


def read_syntax(text: str) -> TextReading:
    """Return the reading of a template. A template that Jinja cannot parse is not understood."""
    notes = Notes()
    try:
        tree = parse(text)
        _Statements(notes).walk(tree.body, {})
    except TemplateSyntaxError as error:
        return TextReading(unknown=((f"Jinja cannot parse it: {error.message}", error.lineno),))
    except RecursionError:
        return TextReading(unknown=(("an expression that is nested too deeply", 1),))
    found = notes.reading()
    for template, line in notes.templates:  # dbt may render such a string later, for example as a hook
        found |= _nested(template, line)
    return found


NO_VALUES: Mapping[str, object] = {}


def placeholder_sql(text: str, values: Mapping[str, object] = NO_VALUES) -> str:
    """Return the SQL of a template on its original lines, with a placeholder for each expression and no other tags.

    A call of var() is replaced by its value if that is in `values`. A text that Jinja cannot parse is returned
    unchanged.
    """
    pieces: list[str] = []
    line = 1
    try:
        for its_line, piece in sql_around_tags(text, values):
            pieces.append("\n" * (its_line - line) + piece)
            line = its_line + piece.count("\n")
    except TemplateSyntaxError:
        return text
    return "".join(pieces)


def calls_other_than(text: str, names: AbstractSet[str]) -> bool:
    """Return whether a template calls anything but these functions; True for one that cannot be parsed."""
    try:
        called = [call.node for call in parse(text).find_all(nodes.Call)]
    except (TemplateSyntaxError, RecursionError):
        return True
    return any(not isinstance(one, nodes.Name) or one.name not in names for one in called)


def without_call_tags(text: str) -> str:
    """Return a template without its comments and `call` tags; unchanged if Jinja cannot read it."""
    try:
        pieces = list(pieces_of(text))
    except TemplateSyntaxError:
        return text
    return " ".join(piece.text for piece in pieces if piece.kind != "block" or piece.words[:1] != [("name", "call")])


def _nested(text: str, line: int) -> TextReading:
    """Return the reading of a string that may be a template, such as a hook; empty if it cannot be parsed."""
    try:
        parse(text)
    except TemplateSyntaxError:
        return NOTHING
    return at_line(read_syntax(text), line)


class _Statements:
    """Walks statements. `set` changes the scope that is passed in."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._expressions = Expressions(notes)
        # A statement without a rule is not understood, so a new tag of Jinja or dbt is never ignored.
        self._rules: dict[type[nodes.Node], Callable[[Any, Scope], None]] = {
            nodes.Output: self._output,
            nodes.If: self._if,
            nodes.For: self._for,
            nodes.Assign: self._assign,
            nodes.AssignBlock: self._assign_block,
            nodes.ExprStmt: self._expression,
            nodes.Macro: self._macro,
            nodes.CallBlock: self._call_block,
            nodes.FilterBlock: self._filter_block,
            nodes.With: self._with,
            nodes.Break: _nothing,
            nodes.Continue: _nothing,
        }

    def walk(self, body: Iterable[nodes.Node], scope: Scope) -> None:
        """Walk statements in order."""
        for node in body:
            self._statement(node, scope)

    def _statement(self, node: nodes.Node, scope: Scope) -> None:
        walk = self._rules.get(type(node))
        if walk is None:
            self._notes.unknown.setdefault(f"the statement {type(node).__name__.lower()}", node.lineno)
        else:
            walk(node, scope)

    def _output(self, node: nodes.Output, scope: Scope) -> None:
        for one in node.nodes:
            if not isinstance(one, nodes.TemplateData):
                self._expressions.value(one, scope)

    def _expression(self, node: nodes.ExprStmt, scope: Scope) -> None:
        self._expressions.value(node.node, scope)

    def _if(self, node: nodes.If, scope: Scope) -> None:
        """Walk every branch. A variable that only some branches set may be set afterwards."""
        before = dict(scope)
        ways = []
        for branch in (node, *node.elif_):
            self._expressions.value(branch.test, scope)
            ways.append(dict(before))
            self.walk(branch.body, ways[-1])  # no branch sees what another one sets
        ways.append(dict(before))
        self.walk(node.else_, ways[-1])  # also without an else: then it may be that no branch runs
        for name in {name for way in ways for name in way}:
            scope[name] = _merged([way.get(name) for way in ways])

    def _assign(self, node: nodes.Assign, scope: Scope) -> None:
        self._expressions.assigned(node.node, scope)
        self._set(node.target, self._expressions.kind_of(node.node, scope), scope)

    def _assign_block(self, node: nodes.AssignBlock, scope: Scope) -> None:
        self._filtered(node.filter, node.body, scope)
        self._set(node.target, Local.VALUE, scope)  # what a block renders is text

    def _set(self, target: nodes.Node, kind: Local, scope: Scope) -> None:
        match target:
            # From there it could be called in ways that this reading does not follow.
            case nodes.NSRef() | nodes.Tuple() if kind is Local.MACRO:
                self._notes.unknown.setdefault("what adapter.dispatch finds, which is passed on", target.lineno)
            case nodes.Name():
                scope[target.name] = kind
            case nodes.NSRef():
                if scope.get(target.name) not in {Local.VALUE, Local.SHARED}:
                    self._notes.unknown.setdefault(f"setting {target.name}.{target.attr}", target.lineno)
                elif kind is not Local.VALUE:
                    scope[target.name] = Local.SHARED
            case nodes.Tuple():
                for one in target.items:
                    self._set(one, Local.VALUE if kind is Local.CALLABLE else kind, scope)
            case _:
                self._notes.unknown.setdefault("setting what is no variable", target.lineno)

    def _for(self, node: nodes.For, scope: Scope) -> None:
        self._expressions.value(node.iter, scope)
        inner = dict(scope)
        self._set(node.target, self._element_of(node.iter, scope), inner)  # gone after the loop, as in Jinja
        if node.test is not None:
            self._expressions.value(node.test, inner)
        inner["loop"] = Local.CALLABLE if node.recursive else Local.VALUE  # `loop(…)` enters a recursive loop again
        self.walk(node.body, inner)
        self.walk(node.else_, dict(scope))

    def _element_of(self, node: nodes.Node, scope: Scope) -> Local:
        kind = self._expressions.kind_of(node, scope)
        return Local.SHARED if kind is Local.SHARED else Local.VALUE

    def _macro(self, node: nodes.Macro, scope: Scope) -> None:
        self._with_parameters(node, {**scope, **_OF_EVERY_MACRO})

    def _call_block(self, node: nodes.CallBlock, scope: Scope) -> None:
        self._expressions.call(node.call, scope)
        self._with_parameters(node, dict(scope))

    def _with_parameters(self, node: nodes.Macro | nodes.CallBlock, inner: Scope) -> None:
        without_default = len(node.args) - len(node.defaults)
        for at, parameter in enumerate(node.args):
            if at >= without_default:
                # A default may use the parameters before it.
                self._expressions.value(node.defaults[at - without_default], inner)
            inner[parameter.name] = Local.VALUE
        self.walk(node.body, inner)

    def _filter_block(self, node: nodes.FilterBlock, scope: Scope) -> None:
        self._filtered(node.filter, node.body, scope)

    def _filtered(self, applied: nodes.Filter | None, body: list[nodes.Node], scope: Scope) -> None:
        inner = dict(scope)
        if applied is not None:
            self._expressions.filter(applied, inner)
        self.walk(body, inner)

    def _with(self, node: nodes.With, scope: Scope) -> None:
        inner = dict(scope)
        for target, value in zip(node.targets, node.values, strict=True):
            self._expressions.assigned(value, scope)  # Jinja evaluates all values outside of the block's scope
            self._set(target, self._expressions.kind_of(value, scope), inner)
        self.walk(node.body, inner)


def _nothing(node: nodes.Node, scope: Scope) -> None:
    """Ignore a statement that reads nothing: `break`, `continue`."""


def _merged(kinds: list[Local | None]) -> Local:
    """Return the kind of a variable after branches with these kinds; None means that a branch does not set it."""
    if None in kinds or Local.MAYBE in kinds:
        return Local.MAYBE
    if len(set(kinds)) == 1:
        return kinds[0] or Local.MAYBE
    return Local.SHARED if Local.SHARED in kinds else Local.VALUE  # the stricter of the two
