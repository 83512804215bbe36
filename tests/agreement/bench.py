"""Prepares each project once, copies it for a pair, and runs both sides on it."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from tests.agreement.compare import disagreements, fail_fast_disagreements
from tests.agreement.pairs import SEED, Pair
from tests.agreement.places import surrounded
from tests.agreement.projects import WAREHOUSE, Defect, spoil, write_project
from tests.agreement.sides import Side, dbt, elt, in_one_place
from tests.agreement.ways import Part, draw_expression

_NAMED = ("model", "seed", "snapshot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a pair ended."""

    pair: Pair
    theirs: Side
    ours: Side
    expression: str
    disagreements: tuple[str, ...]

    @property
    def words(self) -> frozenset[str]:
        """The statuses that dbt gave."""
        return frozenset(self.theirs.words().values())


@dataclass(frozen=True)
class Prepared:
    """A sound project, written and parsed; its warehouse after an undisturbed build; the state of another target."""

    name: str
    root: Path

    @cached_property
    def parsed(self) -> Path:
        """The project as it was written, with what dbt parsed of it."""
        folder = write_project(self.name, self.root / "parsed")
        parsed = dbt(folder, "parse")
        assert parsed.exit_code == 0, parsed.trouble
        return folder

    @cached_property
    def full(self) -> Path:
        """The same after an undisturbed build."""
        return self._built("dev")

    @cached_property
    def of_prod(self) -> Path:
        """The same after an undisturbed build into the target `prod`, whose artifacts are in `state/`."""
        folder = self._built("prod")
        (folder / "state").mkdir()
        for name in ("manifest.json", "run_results.json"):
            shutil.copy(folder / "target" / name, folder / "state")
        return folder

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest of the sound project."""
        found: Mapping[str, Any] = json.loads((self.parsed / "target" / "manifest.json").read_text())
        return found

    def copy(self, pair: Pair, folder: Path) -> Path:
        """Write the project of a pair into a new folder: the warehouse as the way wants it, then the defects."""
        shutil.copytree(self.parsed, folder)
        if pair.way.full:
            self._lay_over(self.full, folder)
        if pair.way.against_state:
            self._lay_over(self.of_prod, folder)
            shutil.copytree(self.of_prod / "state", folder / "state")
        # what takes a table away comes last, so that others can still spoil its rows
        for defect in sorted(pair.defects, key=lambda one: one.takes_tables_away):
            spoil(folder, defect)
        return folder

    def expression(self, pair: Pair, seed: int = SEED) -> str:
        """Draw what the pair selects or excludes; empty where it names everything."""
        if pair.way.part is Part.ALL:
            return ""
        nodes = [node for node in self.manifest["nodes"].values() if node["resource_type"] in _NAMED]
        names = tuple(sorted({node["name"] for node in nodes if " " not in node["name"]}))
        touched = {file for defect in pair.defects for file in defect.files}
        near = tuple(
            sorted({node["name"] for node in nodes if self._file_of(node) in touched and node["name"] in names})
        )
        return draw_expression(pair.way.part, names, near, Random(f"{seed} {pair.name}"))

    def below(self) -> dict[str, frozenset[str]]:
        """Give the descendants of each node."""
        children: Mapping[str, list[str]] = self.manifest["child_map"]
        found: dict[str, frozenset[str]] = {}

        def descend(node: str) -> frozenset[str]:
            if node not in found:
                own = children.get(node, [])
                found[node] = frozenset(own).union(*(descend(child) for child in own))
            return found[node]

        for node in children:
            descend(node)
        return found

    def _built(self, target: str) -> Path:
        folder = self.root / target
        shutil.copytree(self.parsed, folder)
        built = dbt(folder, "build", "--target", target)
        assert not built.trouble, built.trouble
        return folder

    def _lay_over(self, built: Path, folder: Path) -> None:
        """Add what a build made: the warehouse, and the files that models wrote."""
        before = {path.relative_to(self.parsed) for path in self.parsed.rglob("*") if path.is_file()}
        for path in sorted(path for path in built.rglob("*") if path.is_file()):
            file = path.relative_to(built)
            if file.parts[0] not in {"target", "logs", "state"} and (file not in before or file.name == WAREHOUSE):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / file)

    def _file_of(self, node: Mapping[str, Any]) -> str:
        """Give the file of a node as a defect names it: that of a package is below its folder."""
        package, place = str(node["package_name"]), str(node["original_file_path"])
        return place if package == self.manifest["metadata"]["project_name"] else f"packages/{package}/{place}"


def evaluator(prepared: Prepared, pair: Pair, root: Path) -> Verdict:
    """Run a pair with both tools, each in a folder of its own below `root`, and compare."""
    expression = prepared.expression(pair)
    words = expression.split()
    options = [*pair.way.words_for(pair.project), *_vars(pair.defects)]
    environment = {name: value for defect in pair.defects for name, value in defect.environment.items()}
    flag = {Part.ALL: [], Part.SELECTED: ["--select", *words], Part.EXCLUDED: ["--exclude", *words]}[pair.way.part]
    folders = [prepared.copy(pair, root / side) for side in ("dbt", "elt")]
    with surrounded(environment):
        theirs, ours = in_one_place(
            (folders[0], lambda place: dbt(place, "build", *options, *flag)),
            (
                folders[1],
                lambda place: elt(
                    place,
                    *options,
                    select=words if pair.way.part is Part.SELECTED else (),
                    exclude=words if pair.way.part is Part.EXCLUDED else (),
                ),
            ),
        )
    if "--fail-fast" in pair.way.options:
        found = fail_fast_disagreements(theirs, ours, prepared.below())
    else:
        found = disagreements(theirs, ours)
    return Verdict(pair=pair, theirs=theirs, ours=ours, expression=expression, disagreements=tuple(found))


def _vars(defects: Iterable[Defect]) -> list[str]:
    values = {name: value for defect in defects for name, value in defect.vars.items()}
    return ["--vars", json.dumps(values)] if values else []
