"""Translates dbt's errors about an unusable project into errors with a hint."""

import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

from orchestrator.adapters.dbt.crash import file_beside_the_project
from orchestrator.adapters.dbt.error_location import place_of
from orchestrator.adapters.dbt.parse_errors import parse_error
from orchestrator.adapters.dbt.profile_errors import missing_folder, missing_profile
from orchestrator.adapters.dbt.warning_tag import without_tag
from orchestrator.errors import (
    CommandLineError,
    EltError,
    ManifestError,
    MissingExtraError,
    MissingPackagesError,
    ParseError,
    ProfileError,
    ProjectError,
    SelectionError,
)
from orchestrator.installing import install_hint, missing_module, module_hint
from orchestrator.wording import did_you_mean, similar

_HEADER = re.compile(r"^(Runtime|Compilation|Parsing|Validation|Database|Internal) Error$")
_ADAPTER = re.compile(r"Could not find adapter type (\S+?)!")
_SELECTOR_METHOD = "'selector' is not a valid method name"
_UNKNOWN_SELECTOR = re.compile(r"Could not find selector named (?P<name>.+?), expected one of (?P<known>.*)", re.DOTALL)
_CORRECT = "Fix the file named above and run again."
_TEXT = frozenset({".sql", ".yml", ".yaml", ".md", ".py"})


def refused_options(error: Exception, project_dir: Path, args: Sequence[str]) -> EltError:
    """Translate what dbt raised while it read its options and the flags of dbt_project.yml."""
    text = words(error)
    if "'--profiles-dir'" in text and (missing := missing_folder(text, project_dir, args)):
        return missing
    if type(error).__module__.startswith("click.") or type(error).__name__ == "DbtUsageException":
        return CommandLineError(f"dbt does not accept the options. {text}", hint="See `elt run --help`.")
    return _in_project_file(error, text, project_dir)


def translate(error: BaseException, project_dir: Path, profiles_dir: Path, args: Sequence[str] = ()) -> EltError:
    """Translate an exception of dbt's setup or parser."""
    words_of_dbt = text = words(error)
    if place := place_of(error, getattr(error, "node", None), project_dir):
        text = f"{text}\n  at {place}"
    # From the specific to the general: one message may contain several of these words.
    if "packages.yml" in text or "dbt deps" in text:
        return MissingPackagesError(text, hint=f"Install the packages: elt dbt deps --project-dir {project_dir}")
    if adapter := _ADAPTER.search(text):
        return MissingExtraError(
            f"The adapter of the target is not installed: {adapter[1]}.\n{text}",
            hint=f"{install_hint(f'dbt-{adapter[1]}')}\nOr choose a target of another adapter with --target.",
        )
    if module := missing_module(text):
        return MissingExtraError(text, hint=module_hint(module))
    if "Env var required" in text:
        return ProjectError(text, hint="Set that environment variable, or give env_var() a default.")
    if "profile" in text.lower() and (missing := missing_profile(text, project_dir, profiles_dir, args)):
        return missing
    if "profile" in text.lower():
        return ProfileError(
            text, hint=f"Check {profiles_dir / 'profiles.yml'}; --profiles-dir names another folder, --target a target."
        )
    if type(error).__name__ == "DbtProjectError" or "dbt_project.yml" in text:
        return _in_project_file(error, text, project_dir)
    return parse_error(error, words_of_dbt, project_dir)


def refused_file(error: OSError) -> EltError:
    """Translate the error for a file or folder of the project that dbt cannot use."""
    return ProjectError(
        f"dbt cannot use {error.filename}: {error.strerror}.",
        hint="dbt reads the project's files, and writes to logs/ and target/. Check the path and its permissions.",
    )


def refused_text(error: UnicodeDecodeError, project_dir: Path) -> EltError:
    """Translate the error for a file that is not UTF-8 text; dbt does not say which file it is."""
    files = (file for file in sorted(project_dir.rglob("*")) if file.suffix in _TEXT and file.is_file())
    named = [str(file.relative_to(project_dir)) for file in files if not _is_utf8(file)]
    return ParseError(f"dbt reads files as UTF-8, and this is not UTF-8: {', '.join(named) or error}.", hint=_CORRECT)


def refused_selection(error: BaseException) -> EltError:
    """Translate what dbt raised while it evaluated a selection, or read the state to compare with."""
    text = words(error)
    if type(error).__name__ == "IncompatibleSchemaError" or "Could not read Writable" in text:
        return ManifestError(
            text,
            hint="The artifacts in the --state folder are incomplete or were written by another dbt. Copy the target"
            " folder of a run with dbt 1.8 to 1.12 there.",
        )
    if "--state" in text:
        return SelectionError(text, hint="Name a folder with the manifest.json of an earlier run.")
    if "no comparison" in text:
        return SelectionError(
            "The selection compares with an earlier run, but --state names no folder with a manifest.json"
            f" (dbt: {text}).",
            hint="Give --state the folder with the artifacts of that run (manifest.json, run_results.json).",
        )
    if unknown := _UNKNOWN_SELECTOR.search(text):
        known = re.findall(r"'([^']+)'", unknown["known"])
        hint = did_you_mean(similar(unknown["name"], known)) or f"The project has {', '.join(known) or 'no selectors'}."
        where = "Selectors are defined in selectors.yml, beside dbt_project.yml."
        return SelectionError(f"No selector is called {unknown['name']}.", hint=f"{hint} {where}")
    if not type(error).__module__.startswith("dbt"):
        text = f"dbt cannot evaluate the selection: {text}"
    if _SELECTOR_METHOD in text:  # a method of dbt 1.12
        return SelectionError(text, hint="Use --selector NAME; the method selector: needs dbt 1.12.")
    return SelectionError(text, hint="The syntax is dbt's, with the methods ingest:, expectation: and step: added.")


def words(error: BaseException) -> str:
    """Return dbt's message without its first line if that only repeats the kind of the exception."""
    formatted = getattr(error, "format_message", None)
    text = str(formatted() if formatted is not None else error).strip() or type(error).__name__
    first, _, rest = text.partition("\n")
    return without_tag(dedent(rest).strip() if rest and _HEADER.match(first) else text)


def _is_utf8(file: Path) -> bool:
    try:
        file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    except OSError:
        return True
    return True


def _in_project_file(error: BaseException, text: str, project_dir: Path) -> ProjectError:
    file = project_dir / (file_beside_the_project(error) or "dbt_project.yml")
    named = text if "dbt_project.yml" in text else f"{file} cannot be read: {text}"
    return ProjectError(named, hint=f"Check {file}.")
