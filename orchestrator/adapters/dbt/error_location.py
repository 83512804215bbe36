"""Finds the line of the user's file at which a node of dbt broke: dbt names only the file.

Jinja keeps the line in the traceback, and the database counts the lines of the statement that dbt sent.
"""

import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from orchestrator.adapters.dbt.bridge.access import before_handling
from orchestrator.adapters.dbt.statement_lines import FailedStatement, NodeText, failed_statement, with_line_of_node

_log = logging.getLogger(__name__)
_LINE = re.compile(r"^(?P<indent> *)(?P<label>LINE \d+:) (?P<text>.*)$", re.MULTILINE)
_DOTS = "..."  # DuckDB and PostgreSQL shorten long lines


class RaisedErrors:
    """The exceptions that dbt's runners turned into results, by node; may be used from any thread."""

    def __init__(self, project_dir: Path) -> None:
        self._project_dir = project_dir
        self._places: dict[str, str] = {}
        self._statements: dict[str, FailedStatement] = {}

    def of(self, runner: Any) -> Any:  # noqa: ANN401  # dbt's node runner
        """Return the runner; if it handles an exception, its location is noted."""

        def note(error: Exception) -> None:
            _log.debug("%s raised", runner.node.unique_id, exc_info=error, extra={"action": "dbt_error"})
            self._places[runner.node.unique_id] = place_of(error, runner.node, self._project_dir)
            if (statement := failed_statement(error)) is not None:
                self._statements[runner.node.unique_id] = statement

        before_handling(runner, note)
        return runner

    def message_of(self, error: Exception) -> str:
        """Return the message of an exception that belongs to no node, with the line of the project's macro if any."""
        _log.debug("a hook raised", exc_info=error, extra={"action": "dbt_error"})
        place = place_of(error, None, self._project_dir)
        return f"{error}\n  at {place}" if place else str(error)

    def located(self, node: Any, message: str) -> str:  # noqa: ANN401  # dbt's node
        """Return the message of the node's last result with file and line, if they are known."""
        place = self._places.pop(node.unique_id, "")
        statement = self._statements.pop(node.unique_id, None)
        if statement is not None and statement.is_of_duckdb:
            located = with_line_of_node(message, statement, _node_text(node, self._project_dir))
        else:
            located = with_file_lines(message, _texts(node, self._project_dir))
        return f"{located}\n  at {place}" if place and place not in located else located


def place_of(error: BaseException, node: Any, project_dir: Path) -> str:  # noqa: ANN401  # dbt's node
    """Return where in the project's Jinja an exception was raised, as `file:line`; empty if it was not there.

    Without a `node`, for example for a hook, only macros count.
    """
    lines = [(owner, line, _lines_before(owner, project_dir)) for owner, line in _template_lines(error, node)]
    places = [f"{Path(owner.original_file_path)}:{line + more}" for owner, line, more in lines if more is not None]
    if not places:
        return ""
    called = f", called at {places[0]}" if places[0] != places[-1] else ""
    return f"{places[-1]}{called}"


def with_file_lines(message: str, texts: Mapping[str, str]) -> str:
    """Return a database's message with `file:line` instead of its line in the statement that dbt sent.

    `texts` are the texts of the files to look in, by path. If no file has exactly one such line, nothing changes.
    """
    found = _LINE.search(message)
    place = _line_with(found["text"], texts) if found else ""
    if not found or not place:
        return message
    label = f"{place}:"
    pad = " " * (len(label) - len(found["label"]))
    before, after = message[: found.start("label")], message[found.end() :]
    shifted = re.sub(r"\A\n( *\^)", lambda caret: f"\n{pad}{caret[1]}", after)
    return f"{before}{label} {found['text']}{shifted}"


def _template_lines(error: BaseException, node: Any) -> Iterator[tuple[Any, int]]:  # noqa: ANN401  # dbt's node
    """Yield the macro or node, and the line in it, of each Jinja frame of an error and its causes, outermost first."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for each in chain:
        owner = node
        for frame, line in traceback.walk_tb(each.__traceback__):
            if frame.f_code.co_name == "call_macro":
                owner = getattr(frame.f_locals.get("self"), "macro", owner)
            elif (at := _line_in_template(frame, line)) is not None:
                yield owner, at


def _line_in_template(frame: FrameType, line: int) -> int | None:
    """Return the line of a frame of compiled Jinja, whether or not Jinja has replaced the frame by one of its lines."""
    if "__jinja_exception__" in frame.f_globals:
        return line
    template = frame.f_globals.get("__jinja_template__")
    return None if template is None else int(template.get_corresponding_lineno(line))


def _lines_before(owner: Any, project_dir: Path) -> int | None:  # noqa: ANN401  # dbt's node or macro
    """Return how many lines of the file come before the text that dbt took from it; None if it is in no such file.

    A generic test has its text from a macro, and a macro of a package is in no file of this project.
    """
    text = str(getattr(owner, "macro_sql", "") or getattr(owner, "raw_code", ""))
    if not text:
        return None
    before, found, _ = _read(project_dir / owner.original_file_path).partition(text)
    return before.count("\n") if found else None


def _node_text(node: Any, project_dir: Path) -> NodeText:  # noqa: ANN401  # dbt's node
    return NodeText(
        path=str(Path(node.original_file_path)),
        raw=_read(project_dir / node.original_file_path),
        compiled_path=str(getattr(node, "compiled_path", None) or ""),
        compiled=str(getattr(node, "compiled_code", None) or ""),
    )


def _texts(node: Any, project_dir: Path) -> dict[str, str]:  # noqa: ANN401  # dbt's node
    found = {str(Path(node.original_file_path)): _read(project_dir / node.original_file_path)}
    if compiled := getattr(node, "compiled_path", None):
        found[str(compiled)] = str(getattr(node, "compiled_code", None) or "")
    return found


def _line_with(text: str, texts: Mapping[str, str]) -> str:
    """Return `file:line` of the only line with a text, in the first file that has one; empty if there is none."""
    wanted = text.strip().removeprefix(_DOTS).removesuffix(_DOTS).strip()
    for path, content in texts.items():
        lines = [line.strip() for line in content.splitlines()]
        same = [number for number, line in enumerate(lines, 1) if line == wanted]
        holding = same or [number for number, line in enumerate(lines, 1) if wanted and wanted in line]
        # With several such lines, naming one could mislead.
        if len(holding) == 1:
            return f"{path}:{holding[0]}"
    return ""


def only_line_with(pattern: re.Pattern[str], file: Path) -> int | None:
    """Return the number of the only line of a file that matches a pattern; None if there is none, or several."""
    found = [number for number, line in enumerate(_read(file).splitlines(), 1) if pattern.search(line)]
    return found[0] if len(found) == 1 else None


def blank_lines_before(file: Path) -> int:
    """Return how many blank lines a file begins with; dbt removes them before it counts lines."""
    text = _read(file)
    return text[: len(text) - len(text.lstrip())].count("\n")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
