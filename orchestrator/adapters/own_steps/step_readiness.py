"""Finds out before a run whether its steps can do what elt.yml says: programs, functions and variables exist."""

import ast
import importlib.machinery
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.adapters.own_steps.filling import missing_variables
from orchestrator.config.substitution import UnsetError, substitute
from orchestrator.nodes.own_step import CommandCall, HttpCall, PythonCall
from orchestrator.plan.step import OwnStep


def unready(step: OwnStep, root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield why a step cannot run. Nothing is imported, and no server is asked."""
    missing = missing_variables(step, environ)
    yield from (f"the environment variable {name} is not set" for name in missing)
    match step.call:
        case CommandCall() if not missing:
            yield from _of_program(step.call.words[0], root, environ)
        case PythonCall():
            yield from _of_function(step.call, root)
        case CommandCall() | HttpCall():
            return


def _of_program(word: str, root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    try:
        program = substitute(word, environ)
    except UnsetError:  # a variable that only the run has
        return
    if "/" not in program:
        if shutil.which(program, path=environ.get("PATH")) is None:
            shell = '; for a line of shell, write ["bash", "-c", "…"]' if " " in program else ""
            yield f"the program {word} is not on the PATH{shell}"
        return
    file, shown = root / program, root / word  # what is filled in may be a secret
    if not file.exists():
        yield f"the program {shown} does not exist"
    elif file.is_dir():
        yield f"{shown} is a folder, not a program"
    elif not os.access(file, os.X_OK):
        yield f"{shown} cannot be executed; make it executable with: chmod +x {shown}"


def _of_function(call: PythonCall, root: Path) -> Iterator[str]:
    file = module_file(call.module, root)
    if file is None:
        top = call.module.partition(".")[0]
        if importlib.machinery.PathFinder.find_spec(top) is None:
            yield f"there is no Python module {call.module} in {root}, and no installed one"
        return
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        yield f"{file}{line} is not Python: {getattr(error, 'msg', error)}"
        return
    names = set(_defined(tree.body))
    if call.function not in names and "*" not in names:
        yield f"{file} defines no {call.function}"


def module_file(module: str, root: Path) -> Path | None:
    """Return the file of a module below the project's root; None if it is elsewhere."""
    path = root.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements define, also within `if` and `try`; `*` if they import unknown names."""
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield statement.name
            case ast.Import() | ast.ImportFrom():
                yield from ((one.asname or one.name).partition(".")[0] for one in statement.names)
            case ast.Assign() | ast.AnnAssign():
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                yield from (one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))
            case _:
                for inner in ("body", "orelse", "finalbody"):
                    yield from _defined([one for one in getattr(statement, inner, []) if isinstance(one, ast.stmt)])
                for handler in getattr(statement, "handlers", []):
                    yield from _defined(handler.body)
