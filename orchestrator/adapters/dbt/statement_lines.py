"""Finds the line of the user's file that a database's error is about, from its message and the statement that dbt sent.

DuckDB counts the position from the start of the statement, but shows the line at that position of the statement
without its leading comment and blank lines. dbt's statements have both, so the line that it shows is often another
one, or there is none. A line is named only if it has a word that the message quotes.
"""

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

_LINE = re.compile(r"\n*^(?P<indent> *)LINE (?P<number>\d+): (?P<text>.*)\n(?P<space> *)\^+ *$", re.MULTILINE)
_LEADING = re.compile(r"(?:\s+|/\*.*?\*/|--[^\n]*\n)*", re.DOTALL)
_QUOTED = re.compile(r'"([^"\n]+)"|\bwith name (\S+) does not exist')
_SUGGESTED = re.compile(r"Candidate bindings|Did you mean")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
_LOOP = re.compile(r"\{%-?\s*for\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedStatement:
    """A statement that the database refused, and whether the database is DuckDB."""

    text: str
    is_of_duckdb: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeText:
    """The text of a node's file, and what dbt compiled it to; each with its path."""

    path: str
    raw: str
    compiled_path: str
    compiled: str


def failed_statement(error: BaseException) -> FailedStatement | None:
    """Return the statement that raised an error, or one of its causes; None if no statement did."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    texts = [
        text
        for each in chain
        for frame, _ in traceback.walk_tb(each.__traceback__)
        # dbt's `add_query`, and the cursors of the adapters, have it in a variable of this name.
        if frame.f_code.co_name in {"add_query", "execute", "_execute_query_with_retry"}
        and isinstance(text := frame.f_locals.get("sql"), str)
    ]
    is_of_duckdb = any(type(each).__module__.partition(".")[0] in {"duckdb", "_duckdb"} for each in chain)
    return FailedStatement(text=texts[-1], is_of_duckdb=is_of_duckdb) if texts else None


def with_line_of_node(message: str, statement: FailedStatement, node: NodeText) -> str:
    """Return DuckDB's message with the line of the node's file, or of its compiled file, if that is certain.

    A line that DuckDB shows, and that may be another one, is removed.
    """
    found = _LINE.search(message)
    rest = message if found is None else message[: found.start()] + message[found.end() :]
    words = [first or second for first, second in _QUOTED.findall(_SUGGESTED.split(rest)[0])]
    start = statement.text.find(node.compiled.strip())
    line = None
    if node.compiled_path and node.compiled.strip() and start >= 0:
        before = node.compiled[: len(node.compiled) - len(node.compiled.lstrip())].count("\n")
        last = start + len(node.compiled.strip())
        lines = {
            before + statement.text.count("\n", start, position) + 1
            for position in _positions(found, statement.text, words)
            if start <= position < last
        }
        # Without a position, a word that is on one line only is enough.
        line = lines.pop() if len(lines) == 1 else _only_line(node.compiled, words)
    if line is None:
        return rest if _trimmed(statement.text) != statement.text else message
    indent = "  " if "\n  " in message else ""
    return f"{rest.rstrip()}\n\n{_shown(indent, *_place(node, line, words), words)}"


def _positions(found: re.Match[str] | None, statement: str, words: list[str]) -> Iterator[int]:
    """Yield each position of the statement that DuckDB may mean and at which a word of the message stands."""
    if found is None:
        return
    trimmed = _trimmed(statement)
    for text, shift in ((trimmed, 0), (trimmed, len(statement) - len(trimmed)), (statement, 0)):
        lines = text.split("\n")
        number = int(found["number"])
        if number > len(lines):
            continue
        shown = found["text"].removeprefix("...").removesuffix("...").rstrip()
        column = lines[number - 1].find(shown)
        if column < 0:
            continue
        label = len(found["indent"]) + len(f"LINE {number}: ") + 3 * found["text"].startswith("...")
        position = shift + sum(len(each) + 1 for each in lines[: number - 1]) + column + len(found["space"]) - label
        if any(re.match(rf'"?{re.escape(word)}(?!\w)', statement[max(position, 0) :], re.IGNORECASE) for word in words):
            yield position


def _trimmed(statement: str) -> str:
    return _LEADING.sub("", statement, count=1)


def _place(node: NodeText, line: int, words: list[str]) -> tuple[str, str]:
    """Return `file:line` and the text of the line, in the node's file if that is certain, else in the compiled file."""
    raw, compiled = node.raw.split("\n"), node.compiled.split("\n")
    blank = len(node.raw[: len(node.raw) - len(node.raw.lstrip())].split("\n")) - 1  # dbt removes these lines
    own = blank + line if is_same_up_to(raw[blank:], compiled, line) else None
    if own is None and _only_line(node.compiled, words) == line:
        own = _only_line(node.raw, words)
    if own is not None:
        return f"{node.path}:{own}", raw[own - 1]
    return f"{node.compiled_path}:{line}", compiled[line - 1]


def is_same_up_to(raw: list[str], compiled: list[str], line: int) -> bool:
    """Return whether the lines of a file and its compiled lines correspond one to one, up to a line that has SQL."""
    if line > min(len(raw), len(compiled)) or any(_LOOP.search(each) for each in raw[:line]):
        return False
    for own, made in zip(raw[:line], compiled[:line], strict=True):
        literals = _JINJA.split(own)
        if any(mark in literal for literal in literals for mark in ("{{", "{%", "{#", "}}", "%}", "#}")):
            return False  # Jinja over several lines
        if not re.fullmatch(".*".join(map(re.escape, literals)), made.rstrip("\r")):
            return False
    return bool("".join(_JINJA.split(raw[line - 1])).strip())


def _only_line(text: str, words: list[str]) -> int | None:
    """Return the only line that has all quoted words; None if there are several, or no words."""
    patterns = [re.compile(rf"(?<![\w]){re.escape(word)}(?![\w])", re.IGNORECASE) for word in words]
    lines = text.split("\n")
    found = [number for number, line in enumerate(lines, 1) if patterns and all(one.search(line) for one in patterns)]
    return found[0] if len(found) == 1 else None


def _shown(indent: str, place: str, text: str, words: list[str]) -> str:
    """Return the line with its place, and carets below the word that is quoted if it is there once."""
    line = f"{indent}{place}: {text.rstrip()}"
    for word in words[::-1]:
        found = [each.start() for each in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)]
        if len(found) == 1:
            return f"{line}\n{' ' * (len(indent) + len(place) + 2 + found[0])}{'^' * len(word)}"
    return line
