"""The projects over which agreement is proven, and the defects drawn over them: read, and written out for a side."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import yaml

from tests.agreement.places import inside

PROJECTS = Path(__file__).parent.parent / "projects"
WAREHOUSE = "warehouse.duckdb"
_LEFT_BEHIND = ("target", "logs", "dbt_packages", WAREHOUSE, "defects.yml", "selections.yml", ".elt")
_KEYS = {"name", "kind", "replace", "write", "sql", "vars", "environment", "stops_everything"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thing that is wrong with a project: what changes in its files, its database and its surroundings."""

    name: str
    kind: str
    replace: Mapping[str, Sequence[tuple[str, str]]]
    """File to the texts that are replaced in it; each old text occurs once."""
    write: Mapping[str, str | None]
    """File to its whole text; None removes it."""
    sql: str
    """What is run in the warehouse."""
    vars: Mapping[str, object]
    environment: Mapping[str, str]
    stops_everything: bool
    """Whether dbt gives up before the first node, so that no other defect can show beside this one."""

    @property
    def takes_tables_away(self) -> bool:
        """Whether its statements drop, rename or reshape what others may write to."""
        words = set(self.sql.lower().split())
        return bool(words & {"drop", "alter"})

    @property
    def files(self) -> frozenset[str]:
        """The files that it touches."""
        return frozenset({*self.replace, *self.write})


def project_names() -> tuple[str, ...]:
    """Name the projects, in the order of the alphabet."""
    return tuple(sorted(path.parent.name for path in PROJECTS.glob("*/dbt_project.yml")))


def defects_of(project: str) -> tuple[Defect, ...]:
    """Read the defects drawn over a project.

    Raises:
        ValueError: an entry has an unknown key, or two have the same name.
    """
    path = PROJECTS / project / "defects.yml"
    entries = yaml.safe_load(path.read_text()) if path.exists() else []
    defects = tuple(_defect(entry, path) for entry in entries or [])
    names = [defect.name for defect in defects]
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: the name of a defect occurs twice")
    return defects


def write_project(name: str, folder: Path) -> Path:
    """Write a sound project into a new folder, with its packages in their place and its raw tables."""
    source = PROJECTS / name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*_LEFT_BEHIND))
    if (source / "packages").is_dir():
        shutil.copytree(source / "packages", folder / "dbt_packages")
    if (raw := folder / "raw.sql").exists():
        run_sql(folder, raw.read_text())
    return folder


def spoil(folder: Path, defect: Defect) -> None:
    """Bring a defect into a written project.

    Raises:
        ValueError: a text that the defect replaces does not occur exactly once.
    """
    for name, pairs in defect.replace.items():
        text = (folder / name).read_text()
        for old, new in pairs:
            if text.count(old) != 1:
                raise ValueError(f"defect {defect.name}: {old!r} occurs {text.count(old)} times in {name}")
            text = text.replace(old, new)
        _put(folder, name, text)
    for name, content in defect.write.items():
        _put(folder, name, content)
    if defect.sql:
        run_sql(folder, defect.sql)


def can_meet(project: str, defects: Sequence[Defect]) -> bool:
    """Say whether defects can stand in one project together, in this order, without undoing each other."""
    written: set[str] = set()
    texts: dict[str, str] = {}
    names: set[str] = set()
    for defect in defects:
        if written & defect.files or (texts.keys() & defect.write.keys()) or names & defect.vars.keys():
            return False
        written |= defect.write.keys()
        names |= defect.vars.keys()
        for file, pairs in defect.replace.items():
            text = texts.get(file) or _text(project, file)
            for old, new in pairs:
                if text.count(old) != 1:
                    return False
                text = text.replace(old, new)
            texts[file] = text
    return True


def run_sql(folder: Path, statements: str) -> None:
    """Run statements in the warehouse of a written project."""
    with inside(folder), duckdb.connect(WAREHOUSE) as connection:
        connection.execute(statements)


@cache
def _text(project: str, file: str) -> str:
    return (PROJECTS / project / file).read_text()


def _put(folder: Path, name: str, text: str | None) -> None:
    """Write or remove a file; of a package also where dbt reads it."""
    places = [folder / name]
    if name.startswith("packages/"):
        places.append(folder / "dbt_packages" / name.removeprefix("packages/"))
    for place in places:
        if text is None:
            place.unlink()
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)


def _defect(entry: Mapping[str, object], path: Path) -> Defect:
    if unknown := set(entry) - _KEYS:
        raise ValueError(f"{path}: defect {entry.get('name')} has unknown keys: {', '.join(sorted(unknown))}")
    replace = {file: [(old, new) for old, new in pairs] for file, pairs in dict(entry.get("replace") or {}).items()}
    return Defect(
        name=str(entry["name"]),
        kind=str(entry["kind"]),
        replace=replace,
        write=dict(entry.get("write") or {}),
        sql=str(entry.get("sql") or ""),
        vars=dict(entry.get("vars") or {}),
        environment={name: str(value) for name, value in dict(entry.get("environment") or {}).items()},
        stops_everything=bool(entry.get("stops_everything", False)),
    )
