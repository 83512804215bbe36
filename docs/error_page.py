"""Writes the sections of docs/errors.md that describe the error classes: `make docs`."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from orchestrator import errors
from orchestrator.errors import EltError

PAGE = Path(__file__).with_name("errors.md")
BEGIN, END = "<!-- begin: written by `make docs` from orchestrator/errors -->", "<!-- end -->"


def error_classes() -> list[type[EltError]]:
    """Return every error class, by its code."""
    found = [getattr(errors, name) for name in errors.__all__]
    return sorted((each for each in found if each is not EltError), key=lambda each: str(each.code))


def page_with_sections(page: str) -> str:
    """Return the page with the sections between its two marks written again."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    sections = "\n".join(_sections())
    return f"{before}{BEGIN}\n\n{sections}\n\n{END}{after}"


def _sections() -> Iterator[str]:
    yield "| code | class | meaning |\n|---|---|---|"
    for each in error_classes():
        yield f"| [{each.code}](#{each.code.lower()}) | `{each.__name__}` | {_paragraphs(each)[0]} |"
    for each in error_classes():
        yield f"\n### {each.code}\n"
        yield "\n\n".join(_paragraphs(each))
        yield f"\n**What to do:** {each.remedy}\n"
        yield f"```text\n{dedent(each.example).strip()}\n```"


def _paragraphs(error: type[EltError]) -> list[str]:
    return [" ".join(each.split()) for each in inspect.cleandoc(error.__doc__ or "").split("\n\n")]


if __name__ == "__main__":
    PAGE.write_text(page_with_sections(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
