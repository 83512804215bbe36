"""What dbt says when a project cannot be used, as errors with a hint."""

from pathlib import Path

from orchestrator.errors import EltError, ParseError, ProjectError, UsageError


def translate(error: BaseException, project_dir: Path) -> EltError:
    """Turn an exception of dbt's set-up or parser into ours; the words stay dbt's."""
    text = _words(error)
    kind = type(error).__name__
    if "packages.yml" in text or "dbt deps" in text:
        return ProjectError(text, hint=f"Install the packages: elt dbt deps --project-dir {project_dir}")
    if kind in {"DbtProfileError", "InvalidProfileError"} or "profile" in text.lower().split("\n", 1)[0]:
        return ProjectError(text, hint="Check profiles.yml (--profiles-dir), the profile's name and --target.")
    if kind == "DbtProjectError":
        return ProjectError(text, hint=f"Check {project_dir / 'dbt_project.yml'}.")
    if kind in {"UsageException", "DbtUsageException"}:
        return UsageError(text, hint="See `elt run --help`.")
    return ParseError(text, hint="Mend the file that dbt names, then run again.")


def _words(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__
