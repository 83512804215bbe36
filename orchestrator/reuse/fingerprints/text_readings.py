"""Keeps what was read of templates: what a text depends on follows from the text alone, so each is read once."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from hashlib import blake2b

from orchestrator.reuse.fingerprints.bare_code import bare_code
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.reading import argument_template, read_template
from orchestrator.reuse.fingerprints.reading_value import NOTHING, TextReading

KeptReading = Mapping[str, object]
_NO_READINGS: Mapping[str, KeptReading] = {}


class TextReadings:
    """The readings of one command, and those that earlier commands kept, by the digest of their text."""

    def __init__(self, kept: Mapping[str, KeptReading] = _NO_READINGS) -> None:
        self._kept = kept
        self._known: dict[str, TextReading] = {}
        self._found: dict[tuple[str, str], tuple[str, ...]] = {}  # by kind and text
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

    def bare_code_digest(self, text: str) -> str:
        """Return the digest of a template without comments and layout, where they certainly do not matter."""
        (found,) = self.words("bare", text, lambda: (digest_of(bare_code(text)),))
        return found

    def words(self, kind: str, text: str, read: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """Return what is found in a text, which `read` finds and which follows from the text and the kind alone."""
        found = self._found.get((kind, text))
        if found is None:
            kept = self._kept.get(_key(kind, text), {}).get("words") if self._kept else None
            if isinstance(kept, list) and all(isinstance(word, str) for word in kept):
                found = tuple(kept)
            else:
                self.new.add(text)
                found = read()
            self._found[kind, text] = found
        return found

    def to_keep(self, texts: Collection[str]) -> dict[str, KeptReading]:
        """Return what was read of these texts in the form in which it is kept."""
        readings = {text_key(text): _to_json(self._known[text]) for text in texts if text in self._known}
        words = {_key(kind, text): {"words": found} for (kind, text), found in self._found.items() if text in texts}
        return {**readings, **words}

    def used(self) -> frozenset[str]:
        """Return the keys of everything that was asked for."""
        return frozenset(map(text_key, self._known)).union(_key(*asked) for asked in self._found)

    def _kept_of(self, text: str) -> TextReading | None:
        kept = self._kept.get(text_key(text)) if self._kept else None
        return None if kept is None else _from_json(kept)

    def _read(self, text: str) -> TextReading:
        self.new.add(text)
        return read_template(text)


def text_key(text: str) -> str:
    """Return the key of a text."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _key(kind: str, text: str) -> str:
    return f"{kind} {text_key(text)}"


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
