"""Finds the dbt project and its elt.yml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.config.document import read_document
from orchestrator.config.mistakes import Mistakes
from orchestrator.config.sections import Entry, KeyPath
from orchestrator.errors import ConfigurationError, NoProjectError

DBT_PROJECT = "dbt_project.yml"
ELT_YML = "elt.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFiles:
    """A dbt project, its elt.yml, and the entries of that file."""

    dbt_project_dir: Path
    elt_yml: Path | None = None
    entries: Mapping[KeyPath, Entry] = field(default_factory=dict)


def find_project(folder: Path | None, *, cwd: Path, environ: Mapping[str, str], mistakes: Mistakes) -> ProjectFiles:
    """Return the project in the folder that the user named, else in the working directory or its parents."""
    if folder is not None:
        start = (cwd / folder).resolve()
        if not start.is_dir():
            raise NoProjectError(
                f"The project folder {start} does not exist.", hint="Check --project-dir or DBT_PROJECT_DIR."
            )
        places = [start]
    else:
        start = cwd.resolve()
        places = list(_upwards(start))
    for place in places:
        found = _look_in(place, environ, mistakes, into_subfolders=place == start or _is_root(place))
        if found is not None:
            return found
    # A broken elt.yml may contain the path of the project, so its mistakes are reported first.
    mistakes.raise_if_any()
    raise NoProjectError(
        f"No dbt project found: neither {start}"
        + (" nor its subfolders contain" if folder is not None else ", its subfolders nor the folders above contain")
        + f" a {DBT_PROJECT}.",
        hint="Change to the folder of the dbt project, name it with --project-dir, or create one with `elt dbt init`.",
    )


def _upwards(start: Path) -> Iterator[Path]:
    """Yield the folder and its parents, up to the root of its repository."""
    for place in (start, *start.parents):
        yield place
        if (place / ".git").exists():
            return


def _is_root(place: Path) -> bool:
    """Return whether the subfolders of a parent folder are searched; in others, a project next to it would be found."""
    return (place / ELT_YML).is_file() or (place / ".git").exists()


def _look_in(
    place: Path, environ: Mapping[str, str], mistakes: Mistakes, *, into_subfolders: bool
) -> ProjectFiles | None:
    """Return the project of one folder: the one that its elt.yml names, the folder itself, or its only subfolder."""
    here = place / ELT_YML
    if here.is_file():
        entries = read_document(here, environ, mistakes)
        if ("dbt_project",) in entries:
            return ProjectFiles(
                dbt_project_dir=_named(here, entries["dbt_project",], mistakes), elt_yml=here, entries=entries
            )
    if (place / DBT_PROJECT).is_file():
        return _with_elt_yml(place, environ, mistakes)
    if into_subfolders and (only := _only_subfolder(place)) is not None:
        return _with_elt_yml(only, environ, mistakes)
    return None


def _named(elt_yml: Path, entry: Entry, mistakes: Mistakes) -> Path:
    """Return the folder that `dbt_project:` names."""
    folder = (elt_yml.parent / str(entry.value)).resolve()
    if not (folder / DBT_PROJECT).is_file():
        mistakes.in_file(elt_yml, entry.line, f"'dbt_project': there is no {DBT_PROJECT} in {folder}")
        mistakes.raise_if_any()
    return folder


def _only_subfolder(place: Path) -> Path | None:
    """Return the only subfolder with a dbt project; if there are several, the user has to choose."""
    holders = sorted(found.parent for found in place.glob(f"*/{DBT_PROJECT}") if found.is_file())
    visible = [holder for holder in holders if not holder.name.startswith(".")]
    if len(visible) > 1:
        names = ", ".join(holder.name for holder in visible)
        raise NoProjectError(
            f"{place} contains several dbt projects: {names}.",
            hint=f"Name one with --project-dir, or with `dbt_project:` in {place / ELT_YML}.",
        )
    return visible[0] if visible else None


def _with_elt_yml(project: Path, environ: Mapping[str, str], mistakes: Mistakes) -> ProjectFiles:
    """Return the dbt project with the elt.yml beside it or in the folder above, unless that names another project."""
    beside, above = project / ELT_YML, project.parent / ELT_YML
    files = {file: read_document(file, environ, mistakes) for file in (beside, above) if file.is_file()}
    other = files.get(above, {}).get(("dbt_project",))
    if other is not None and (above.parent / str(other.value)).resolve() != project:
        del files[above]
    if len(files) > 1:
        raise ConfigurationError(f"Two files configure this project: {beside} and {above}.", hint="Delete one of them.")
    for elt_yml, entries in files.items():
        return ProjectFiles(dbt_project_dir=project, elt_yml=elt_yml, entries=entries)
    return ProjectFiles(dbt_project_dir=project)
