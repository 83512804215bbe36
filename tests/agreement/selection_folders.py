"""The folders in which the expressions of one project are asked: a sound one, one for each edit set, and the state."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.agreement.projects import run_sql, spoil, write_project
from tests.agreement.selection_answers import Answer
from tests.agreement.selection_corpus import UNCHANGED, Corpus, Expression
from tests.agreement.selection_sides import EltCommands, ParsedByDbt, parse_with_dbt
from tests.agreement.sides import dbt

WITHOUT_HELP = 2
"""So many expressions of each project, at least, are asked of a command that parses for itself."""
_DBTS = "DBT_"


@dataclass(slots=True)
class Folders:
    """What has been written and parsed so far; every folder is made when an expression first asks in it."""

    corpus: Corpus
    root: Path
    _parsed: dict[object, ParsedByDbt] = field(default_factory=dict)
    _ours: dict[Path, EltCommands] = field(default_factory=dict)

    def listed(self, expression: Expression) -> tuple[Answer, Answer]:
        """Ask `dbt ls` and `elt ls`."""
        parsed, words = self._place(expression), self._words(expression)
        theirs = parsed.listed(words, expression.environment)
        return theirs, self._elt(expression, parsed.folder).listed(words, expression.environment)

    def planned(self, expression: Expression) -> tuple[Answer, Answer]:
        """Ask what `dbt build` and `elt plan` would run."""
        parsed, words = self._place(expression), self._words(expression)
        theirs = parsed.built(words, expression.environment)
        return theirs, self._elt(expression, parsed.folder).planned(words, expression.environment)

    def _elt(self, expression: Expression, folder: Path) -> EltCommands:
        """Give the command `elt` as it is for every so many expressions, and with a parsed project for the others."""
        number = self.corpus.expressions.index(expression)
        if number % max(1, len(self.corpus.expressions) // WITHOUT_HELP) == 0:
            return EltCommands(folder)
        return self._ours.setdefault(folder, EltCommands(folder, parses_once=True))

    def _words(self, expression: Expression) -> tuple[str, ...]:
        return expression.words(self._state() if expression.state else None)

    def _place(self, expression: Expression) -> ParsedByDbt:
        """Find the project as the expression wants it: with its edits, its vars and its environment."""
        if expression.state:
            self._state()  # the age of the sources is looked at in the sound project, before it is copied
        edits = expression.state if expression.state not in {None, UNCHANGED} else ""
        read_by_the_project = {k: v for k, v in expression.environment.items() if not k.startswith(_DBTS)}
        key = (edits, *expression.parsing, *read_by_the_project.items())
        if key not in self._parsed:
            folder = (
                self._sound() if not any(key) else self._copy(f"variant_{len([*self.root.iterdir()])}", edits or "")
            )
            self._parsed[key] = parse_with_dbt(folder, expression.parsing, read_by_the_project)
        return self._parsed[key]

    def _sound(self) -> Path:
        """Write the project and parse it; the folder into which its first parse went serves all copies."""
        folder = self.root / "sound"
        if not folder.exists():
            write_project(self.corpus.project, folder)
            parse_with_dbt(folder, (), {})
        return folder

    def _copy(self, name: str, edits: str) -> Path:
        folder = self.root / name
        shutil.copytree(self._sound(), folder)
        if edits:
            spoil(folder, self.corpus.edits[edits])
        return folder

    def _state(self) -> Path:
        """Save the state: the sound project's manifest, the results of a run, and the age of the sources."""
        state = self.root / "state"
        if state.exists():
            return state
        sound = self._sound()
        state.mkdir()
        shutil.copy(sound / "target" / "manifest.json", state)
        if self.corpus.results_of is not None:
            spoiled = self._copy("run", self.corpus.results_of)
            dbt(spoiled, "build")
            shutil.copy(spoiled / "target" / "run_results.json", state)
        if self.corpus.between_two_looks:
            dbt(sound, "source", "freshness")
            shutil.copy(sound / "target" / "sources.json", state)
            run_sql(sound, self.corpus.between_two_looks)
            dbt(sound, "source", "freshness")
        return state
