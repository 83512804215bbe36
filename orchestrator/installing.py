"""Describes how to install missing packages into the environment that lacks them."""

import re
import shlex
import sys
from importlib.util import find_spec

_MISSING = re.compile(r"No module named '(?P<name>[\w.]+)'")
_PACKAGES = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dlt": "elt-orchestrator[ingest]",
    "dotenv": "python-dotenv",
    "great_expectations": "elt-orchestrator[gx]",
    "jwt": "pyjwt",
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Packages whose name is not that of their module."""


def install_hint(
    *requirements: str, python: str = sys.executable, prefix: str = sys.prefix, has_pip: bool | None = None
) -> str:
    """Return the command that installs packages, and the environment that they are installed into.

    The environment is that of this process, unless `python` is another interpreter.
    """
    return f"Install it into the environment {prefix}: {_command(*requirements, python=python, has_pip=has_pip)}"


def missing_module(text: str) -> str | None:
    """Return the name of the module that Python did not find, from its error message; None for another message."""
    found = _MISSING.search(text)
    return found["name"] if found else None


def module_hint(module: str, *, own_folders: str = "") -> str:
    """Return how to get a module that Python did not find; `own_folders` are searched for the user's modules."""
    top = module.partition(".")[0]
    if top != module and _is_installed(top):
        upgrade = _command("--upgrade", _package(top))
        return f"{top} is installed in {sys.prefix}, in a version without {module}. To get the newest: {upgrade}"
    own = f"\nIf it is a file of yours, put it into {own_folders}." if own_folders else ""
    return f"{install_hint(_package(top))}{own}"


def _package(module: str) -> str:
    return _PACKAGES.get(module, module.replace("_", "-"))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _command(*words: str, python: str = sys.executable, has_pip: bool | None = None) -> str:
    if _is_installed("pip") if has_pip is None else has_pip:
        return shlex.join([python, "-m", "pip", "install", *words])
    return shlex.join(["uv", "pip", "install", "--python", python, *words])
