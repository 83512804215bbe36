"""Takes a template apart: what Jinja evaluates, and the SQL around it."""

import re
from dataclasses import dataclass

_STRING = r'"(?:\\.|[^"\\])*+"|' + r"'(?:\\.|[^'\\])*+'"
_BRACES = r"[^{}\"']"
for _ in range(4):  # so deep dictionaries are written into an expression
    _BRACES = rf"(?:{_STRING}|\{{(?:{_BRACES})*+\}}|[^{{}}\"'])"
TAG = re.compile(
    "|".join(
        (
            r"\{#.*?#\}",
            r"\{%[-+]?\s*raw\s*[-+]?%\}(?P<raw>.*?)\{%[-+]?\s*endraw\s*[-+]?%\}",
            rf"\{{%(?P<block>(?:{_STRING}|(?!%\}}).)*+)%\}}",
            rf"\{{\{{(?P<balanced>(?:{_BRACES})*+)\}}\}}",
            r"\{\{(?P<expression>.*?)\}\}",
        )
    ),
    re.DOTALL,
)
_TOKEN = re.compile(rf"(?P<string>{_STRING})|(?P<name>[A-Za-z_]\w*)", re.DOTALL)
_NOT_A_LINE = re.compile(r"[^\n]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Token:
    """A name or a string that Jinja evaluates."""

    text: str
    """Of a string: what is between the quotes."""
    is_string: bool
    line: int
    before: str
    """The character before it, spaces aside."""
    behind: str
    """The character behind it, spaces aside; empty at the end of the tag."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template, taken apart."""

    tokens: tuple[Token, ...]
    """Everything that Jinja evaluates, in order; its comments and raw blocks aside."""
    sql: str
    """The text with spaces in the place of every tag, so that lines keep their numbers."""


def take_apart(text: str) -> Template:
    """Take a template apart; what is no template has no tokens."""
    if "{" not in text:
        return Template((), text)
    tokens: list[Token] = []
    sql: list[str] = []
    end = 0
    for tag in TAG.finditer(text):
        sql.append(text[end : tag.start()])
        end = tag.end()
        kind = tag.lastgroup
        sql.append(tag["raw"] if kind == "raw" else _NOT_A_LINE.sub(" ", tag[0]))
        if kind is not None and kind != "raw":
            tokens.extend(_tokens(tag[kind], 1 + text.count("\n", 0, tag.start())))
    sql.append(text[end:])
    return Template(tuple(tokens), "".join(sql))


def _tokens(inside: str, line: int) -> list[Token]:
    found = []
    for match in _TOKEN.finditer(inside):
        is_string = match.lastgroup == "string"
        text = _ESCAPED.sub(_meant, match[0][1:-1]) if is_string else match[0]
        before = inside[: match.start()].rstrip()[-1:]
        behind = inside[match.end() : match.end() + 80].lstrip()[:1]
        found.append(Token(text, is_string, line + inside.count("\n", 0, match.start()), before, behind))
    return found


def _meant(escaped: re.Match[str]) -> str:
    return _MEANT.get(escaped[1], escaped[1])
