"""Decides from the texts of a project whether dbt's parse can depend on the values of some vars.

dbt parses a whole project again when a value of `--vars` differs. That is not necessary for vars that only appear in
the SQL of nodes. Whatever is not understood here counts as read by the parse.
"""

import re
from collections.abc import Collection, Mapping

from jinja2 import TemplateSyntaxError, nodes

from orchestrator.adapters.dbt.macro_uses import MacroUses, ParseMattersError
from orchestrator.adapters.dbt.parse_time_templates import CALLED_BY_PARSE, read_template
from orchestrator.reuse.fingerprints.jinja import parse

_TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\bvar\s*\([^)]*\)", re.DOTALL)
"""What dbt evaluates in YAML: tags, and `var('x')` without braces as an argument of a generic test."""
_DEFINED = re.compile(r"\{%-?\+?\s*macro\s+(\w+)")


def read_by_parse(names: Collection[str], files: Mapping[str, str]) -> str | None:
    """Return what of the parse can depend on the vars with these names, with its file and line; None if nothing can.

    `files` are the texts of the project and its packages by path. Files that do not end in `.sql` are taken as YAML.
    """
    return _Project(names, files).finding()


def piece_of(name: str) -> str:
    """Return what a text contains that reads a var, also if it puts the name together: 'elt_data_interval_' ~ side."""
    return name.removeprefix("elt_").removesuffix("_start").removesuffix("_end")


class _Project:
    """What is known of the macros of a project while its files are read until nothing new is found."""

    def __init__(self, names: Collection[str], files: Mapping[str, str]) -> None:
        templates = (text for path, text in files.items() if path.endswith(".sql"))
        self._uses = MacroUses(
            set(map(piece_of, names)), [name for text in templates for name in _DEFINED.findall(text)]
        )
        self._files = files
        self._trees: dict[str, nodes.Template] = {}

    def finding(self) -> str | None:
        """Return what can depend on the vars, and where."""
        if not self._uses.names_var("\n".join(self._files.values())):
            return None
        try:
            while self._read():
                pass
        except ParseMattersError as found:
            return str(found)
        return None

    def _read(self) -> bool:
        """Read all files that matter once; return whether that told anything new about macros."""
        before = self._uses.size
        macros = re.compile(rf"\b(\w+__)?({'|'.join(map(re.escape, self._uses.names)) or '(?!)'})\b")
        for path, text in self._files.items():
            if path.endswith(".sql"):
                if self._uses.names_var(text) or macros.search(text):
                    self._template(path, text)
            else:
                self._yaml(path, text)
        if called := self._uses.reading & CALLED_BY_PARSE:
            raise ParseMattersError(f"the macro {min(called)}, which dbt calls when it parses")
        return self._uses.size > before

    def _yaml(self, path: str, text: str) -> None:
        for tag in _TAGS.finditer(text):
            if self._uses.names_var(tag[0]) or self._uses.reading.intersection(re.findall(r"\w+", tag[0])):
                raise ParseMattersError(f"{path}:{text.count(chr(10), 0, tag.start()) + 1}")
        if path.endswith(".py") and self._uses.names_var(text):
            raise ParseMattersError(path)

    def _template(self, path: str, text: str) -> None:
        try:
            tree = self._trees.get(path) or self._trees.setdefault(path, parse(text))
        except (TemplateSyntaxError, RecursionError) as error:
            raise ParseMattersError(f"{path}, which Jinja cannot parse") from error
        try:
            read_template(self._uses, tree)
        except RecursionError as error:
            raise ParseMattersError(path) from error
        except ParseMattersError as found:
            raise ParseMattersError(f"{path}:{found}") from found
