"""Keeps the readings of templates: what a text depends on follows from the text alone, so each is read once."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from hashlib import blake2b

from orchestrator.reuse.fingerprints.reading import argument_template, read_template
from orchestrator.reuse.fingerprints.reading_value import NOTHING, TextReading

KeptReading = Mapping[str, object]
_NO_READINGS: Mapping[str, KeptReading] = {}


class TextReadings:
    """The readings of one command, and those that earlier commands kept, by the digest of their text."""

    def __init__(self, kept: Mapping[str, KeptReading] = _NO_READINGS) -> None:
        self._kept = kept
        self._known: dict[str, TextReading] = {}
        self.new: set[str] = set()
        """The texts that were read by this command."""

    def of(self, text: str) -> TextReading:
        """Return the reading of a template."""
        if "{" not in text:
            return NOTHING
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._kept_of(text) or self._read(text)
        return found

    def of_argument(self, text: str) -> TextReading:
        """Return the reading of a generic test's argument."""
        return self.of(argument_template(text))

    def to_keep(self, texts: Iterable[str]) -> dict[str, KeptReading]:
        """Return the readings of these texts, which were read, in the form in which they are kept."""
        return {text_key(text): _to_json(self._known[text]) for text in texts}

    def used(self) -> frozenset[str]:
        """Return the keys of all texts that were asked for."""
        return frozenset(map(text_key, self._known))

    def _kept_of(self, text: str) -> TextReading | None:
        kept = self._kept.get(text_key(text)) if self._kept else None
        return None if kept is None else _from_json(kept)

    def _read(self, text: str) -> TextReading:
        self.new.add(text)
        return read_template(text)


def text_key(text: str) -> str:
    """Return the key of a text."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _to_json(reading: TextReading) -> KeptReading:
    """Return what is not empty of a reading."""
    found = {field.name: getattr(reading, field.name) for field in fields(reading)}
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in found.items() if value}


def _from_json(kept: KeptReading) -> TextReading | None:
    """Return a reading that was kept; None if it is damaged."""
    found: dict[str, object] = {}
    for name, value in kept.items():
        kind = _KINDS.get(name)
        if kind is bool and value is True:
            found[name] = True
        elif kind is frozenset and isinstance(value, list) and all(isinstance(one, str) for one in value):
            found[name] = frozenset(value)
        elif kind is tuple and isinstance(value, list) and all(map(_is_finding, value)):
            found[name] = tuple((what, line) for what, line in value)
        else:
            return None
    return TextReading(**found)  # type: ignore[arg-type]  # checked above


def _is_finding(one: object) -> bool:
    match one:
        case [str(), int()]:
            return True
        case _:
            return False


_KINDS = {field.name: type(getattr(NOTHING, field.name)) for field in fields(TextReading)}
