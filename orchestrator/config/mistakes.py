"""Collects the mistakes of a configuration, so that all are reported at once."""

from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import ConfigurationError
from orchestrator.wording import did_you_mean, similar


@dataclass(slots=True)
class Mistakes:
    """All mistakes in one file and in the environment."""

    found: list[str] = field(default_factory=list)
    keys: set[tuple[str, ...]] = field(default_factory=set)
    """The keys whose values are wrong, or whose names are misspelled: they count as present where a key is missed."""
    _places: dict[str, tuple[str, int]] = field(default_factory=dict)

    def in_file(self, file: Path, line: int, text: str) -> None:
        """Record a mistake on a line of a file, only once even if the file is read again."""
        mistake = f"{file}:{line}: {text}"
        if mistake not in self.found:
            self.found.append(mistake)
            self._places[mistake] = (str(file), line)

    def in_variable(self, name: str, text: str) -> None:
        """Record a mistake in an environment variable."""
        self.found.append(f"environment variable {name}: {text}")

    def raise_if_any(self) -> None:
        """Raise one error that lists every mistake."""
        if not self.found:
            return
        count = len(self.found)
        head = "The configuration has a mistake:" if count == 1 else f"The configuration has {count} mistakes:"
        in_files = sorted((one for one in self.found if one in self._places), key=self._places.__getitem__)
        in_order = (*in_files, *(one for one in self.found if one not in self._places))
        listed = "\n".join(f"  {mistake}" for mistake in in_order)
        raise ConfigurationError(
            f"{head}\n{listed}", hint="Every key and its values are described in docs/configuration.md."
        )


def meant(word: str, known: tuple[str, ...], listed: tuple[str, ...] = ()) -> str:
    """Return the end of a mistake: the known words similar to an unknown one; else `listed`, or all known words."""
    names = similar(word, known)
    return f". {did_you_mean(names)}" if names else f"; known here: {', '.join(listed or known)}"
