"""Parses templates with Jinja's own parser, extended by the tags and syntax that dbt adds.

It is imported only when a template is read, so that `elt --help` does not load Jinja.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from orchestrator.reuse.fingerprints.sql_placeholders import NAME, RELATION, RENDERED, THIS


class _DbtParser(Parser):
    """Jinja's parser with dbt's typed parameters: `{% macro f(day: str, n: Optional[int] = 1) %}`."""

    def parse(self) -> nodes.Template:
        return nodes.Template(self.subparse(), lineno=1)  # nothing is compiled, so nodes need no environment

    def parse_signature(self, node: nodes.Macro | nodes.CallBlock) -> None:
        node.args, node.defaults = [], []
        self.stream.expect("lparen")
        while self.stream.current.type != "rparen":
            if node.args:
                self.stream.expect("comma")
            parameter = self.parse_assign_target(name_only=True)
            parameter.set_ctx("param")
            if self.stream.skip_if("colon"):
                self._skip_type()
            if self.stream.skip_if("assign"):
                node.defaults.append(self.parse_expression())
            elif node.defaults:
                self.fail("non-default argument follows default argument")
            node.args.append(parameter)
        self.stream.expect("rparen")

    def _skip_type(self) -> None:
        self.stream.expect("name")
        if self.stream.skip_if("lbracket"):
            while self.stream.current.type != "rbracket":
                self._skip_type()
                self.stream.skip_if("comma")
            self.stream.expect("rbracket")


class _DbtEnvironment(Environment):
    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return _DbtParser(self, source, name, filename).parse()


class _DbtBlocks(Extension):
    """The block tags of dbt that contain a template. Each is read as a macro."""

    tags = {"materialization", "test", "data_test", "snapshot", "docs"}  # noqa: RUF012  # so Jinja declares it

    def parse(self, parser: Parser) -> nodes.Node:
        tag = next(parser.stream)
        node = nodes.Macro(lineno=tag.lineno)
        node.name = parser.parse_assign_target(name_only=True).name
        node.args, node.defaults = [], []
        if tag.value in {"test", "data_test"}:
            parser.parse_signature(node)
        elif tag.value == "materialization":  # dbt passes these as options, not as parameters
            node.args = [nodes.Name("supported_languages", "param", lineno=tag.lineno)]
            while parser.stream.skip_if("comma"):
                parser.parse_assign_target(name_only=True)
                if parser.stream.skip_if("assign"):
                    parser.parse_expression()
        node.body = parser.parse_statements((f"name:end{tag.value}",), drop_needle=True)
        return node


@cache
def _environment() -> Environment:
    return _DbtEnvironment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", _DbtBlocks])


def parse(text: str) -> nodes.Template:
    """Return the syntax tree of a template; raise `jinja2.TemplateSyntaxError` if dbt would reject it."""
    return _environment().parse(text)


class Piece(NamedTuple):
    """A tag of a template, or text between tags."""

    line: int
    kind: str
    """`variable` or `block` for a tag, `data` for text, `raw` for a tag that opens a raw block."""
    tokens: tuple[tuple[str, str], ...]
    """The kind and the text of each token in a tag, with whitespace; of a text, only the text."""

    @property
    def text(self) -> str:
        """The text, or what is between the braces of a tag."""
        return "".join(value for _, value in self.tokens)

    @property
    def edges(self) -> tuple[str, str]:
        """The first and the last character, each empty if it cannot belong to the same name as what is next to it."""
        if self.kind == "variable":
            return "{", "}"  # what it renders may continue the name on either side
        first, last = self.text[:1], self.text[-1:]
        return first if f"_{first}".isidentifier() else "", last if f"_{last}".isidentifier() else ""

    @property
    def words(self) -> list[tuple[str, str]]:
        """The tokens without whitespace."""
        return [token for token in self.tokens if token[0] != "whitespace"]


def pieces_of(text: str) -> Iterator[Piece]:
    """Yield the pieces of a template, without comments and without the whitespace that `-` in a tag removes.

    Raises:
        TemplateSyntaxError: a tag or a raw block has no end, or Jinja cannot read a tag.
    """
    first, tag = 0, list[tuple[str, str]]()
    for line, kind, value in _environment().lex(text):
        name, _, edge = kind.rpartition("_")
        if name in {"variable", "block"}:
            if edge == "end":
                yield Piece(first, name, tuple(tag))
            first, tag = line, []
        elif kind in {"data", "raw_begin"}:
            yield Piece(line, kind.removesuffix("_begin"), ((kind, value),))
        elif name != "comment" and kind != "comment":  # Jinja removes comments before dbt sees them
            tag.append((kind, value))


def sql_around_tags(text: str, values: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """Yield the pieces of SQL in a template with their first line, and a placeholder for each expression.

    A call of var() with a name in `values` is replaced by its value if that is a text or a number. An expression that
    renders only a part of a name, as in `{{ this }}_old`, is neither a relation nor a plain name.
    """
    pieces = [piece for piece in pieces_of(text) if piece.kind in {"data", "variable"}]
    nothing = Piece(0, "data", ())
    for before, piece, after in zip([nothing, *pieces], pieces, [*pieces[1:], nothing], strict=False):
        if piece.kind == "data":
            yield piece.line, piece.text
        elif (rendered := _value(piece.words, values)) is not None:
            yield piece.line, rendered
        else:
            # Text that touches the expression may belong to the same name.
            is_whole = before.edges[1] + after.edges[0] == ""
            yield piece.line, f" {_placeholder(piece.words) if is_whole else RENDERED} "


def _value(tokens: list[tuple[str, str]], values: Mapping[str, object]) -> str | None:
    """Return the value of `var('name')`, with or without a default, as text; None if it is not known."""
    words = [value for _, value in tokens]
    if words[:2] != ["var", "("] or len(words) < 4 or tokens[2][0] != "string" or words[-1] != ")":
        return None
    is_alone = len(words) == 4 or (len(words) == 6 and words[3] == ",")
    value = values.get(words[2][1:-1])
    return str(value) if is_alone and isinstance(value, str | int | float) else None


def _placeholder(tokens: list[tuple[str, str]]) -> str:
    """Return the placeholder for an expression: a relation, a plain name, or anything else."""
    words = [value for _, value in tokens]
    if words == ["this"]:
        return THIS
    if words[:1] in (["ref"], ["source"]) and words[1:2] == ["("] and words.index(")") == len(words) - 1:
        return RELATION
    return NAME if [kind for kind, _ in tokens] == ["name"] else RENDERED
