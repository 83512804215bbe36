"""Builds the error for what dbt cannot parse: what it is and where it is written, and then dbt's own words.

dbt may name a file without its folder, count lines from the start of a macro, and it suggests no similar names.
"""

import re
import traceback
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

from orchestrator.adapters.dbt.crash import file_beside_the_project, line_of_name, worked_on
from orchestrator.adapters.dbt.error_location import blank_lines_before, only_line_with, place_of
from orchestrator.errors import ParseError
from orchestrator.wording import some_of

_HEADER = re.compile(r"\A\w+ Error in .*\n")
_READING = re.compile(r"\A(?:Error reading [^\n]*? - |Could not read selector file data: )(?:\w+ Error\n)?")
_OF_ENTRY = re.compile(r"\AInvalid .* - (?=(?:at path |expected |[^-]*\Z))", re.DOTALL)
_AT_PATH = re.compile(r"\Aat path \[(.*?)\]: ")
_CULPRIT = re.compile(r"""at path \['(\w+)'|(?:doc|group|argument) '([^']+)'|invalid value \(([^)]+)\)""")
_OWN_PLACE = re.compile(
    r" near line \d+| \(searched from line \d+\)| \(\S+\.py, line \d+\)|^ *line \d+\n", re.MULTILINE
)
_LITERALS = "dbt.ref(), dbt.source() and dbt.config() take only literal values, such as 'orders'."
_LINE_OF_FILE = re.compile(r"(?:searched from line|near line|, line|on line) (\d+)|\(@ (\d+):\d+\)")
_TWO = re.compile(r'\Adbt found (?:two|multiple) (\w+?)s (?:with the name|named) "([^"]+)"')
_TWO_ENTRIES = re.compile(r"\Adbt found two schema\.yml entries for the same (\w+).*? named (\S+?)\.? ", re.DOTALL)
_FILES = re.compile(r"^\s*(?:- )?(?:\S+ \()?([^\s()]+\.(?:sql|ya?ml|md|py|csv))\)?$", re.MULTILINE)
_LISTED = re.compile(r"^\s*\* '[^'\n]+' \((.+)\)$", re.MULTILINE)
_NO_MODEL = re.compile(r"\AUnable to find model '(?:[^']*\.)?([^'.]+)' for unit test '([^']+)' in (\S+)")
_COUNTED_FROM_FILE = frozenset(
    {
        *("PythonParsingError", "PythonLiteralEvalError", "YamlLoadError", "MissingCloseTagError"),
        *("BlockDefinitionNotAtTopError", "MissingControlFlowStartTagError", "UnexpectedControlFlowEndTagError"),
    }
)
_HAS_LINE = re.compile(r":\d+")
_AGAIN = "and run again."


def parse_error(error: BaseException, text: str, project_dir: Path) -> ParseError:
    """Return the error for what dbt raised while it parsed; `text` is dbt's message."""
    # The constructor of TargetNotFoundError sets its node to None.
    child = next((frame["node"] for frame in _frames(error) if "node" in frame), None)
    if type(error).__name__ == "TargetNotFoundError" and child is not None:
        return _unknown_parent(error, child, project_dir)
    if found := _NO_MODEL.match(text):
        name, test, file = found.groups()
        place = _in(file, line_of_name(project_dir / file, test))
        known = _names_of(error, "nodes")
        return ParseError(
            f"The unit test {test} ({place}) is of the model {name}, but there is no model of that name.",
            hint=_hint(place, _similar(name, known)),
        )
    if found := _TWO_ENTRIES.match(text):
        places = [_in(file, line_of_name(project_dir / file, found[2])) for file in _FILES.findall(text)]
        return ParseError(
            f"The {found[1]} {found[2]} has two entries, in {' and '.join(places)}.",
            hint=f"Join the entries into one {_AGAIN}",
        )
    if found := _TWO.match(text):
        places = sorted(set(_FILES.findall(text)))
        where = " and ".join(places) if len(places) > 1 else f"twice in {places[0]}" if places else "twice"
        return ParseError(
            f"The {found[1]} {found[2]} is defined {'in ' if len(places) > 1 else ''}{where}.",
            hint=f"Rename or remove one of them {_AGAIN}",
        )
    return _unparsed(error, text, project_dir)


def _unparsed(error: BaseException, text: str, project_dir: Path) -> ParseError:
    """Return the error for anything else that dbt cannot parse: the object and its place, then dbt's words."""
    kind, name, file = _subject(error, project_dir)
    words_of_dbt = dedent(_READING.sub("", dedent(_HEADER.sub("", text)))).strip()
    entry = getattr(error, "yaml_data", None)
    if isinstance(entry, dict):
        name, kind = str(entry.get("name") or ""), _one_of(str(getattr(error, "key", "")))
        words_of_dbt = _OF_ENTRY.sub("", words_of_dbt)
    if listed := _LISTED.findall(words_of_dbt):  # found in the parsed project, and not in what dbt looked at last
        return ParseError(f"dbt cannot parse {some_of(listed)}: {words_of_dbt}", hint=_hint(some_of(listed)))
    place = _place(error, (name, file), words_of_dbt, project_dir)
    if type(error).__name__ == "PythonLiteralEvalError":
        words_of_dbt = _LITERALS
    # The line is in our sentence; dbt counts it from the start of a macro.
    words_of_dbt = _AT_PATH.sub(lambda at: f"{_keys(at[1])}: ", _OWN_PLACE.sub("", words_of_dbt))
    if not place:
        return ParseError(f"dbt cannot parse the project: {words_of_dbt}", hint=f"Correct this {_AGAIN}")
    subject = f"{kind} {name} {'at' if _HAS_LINE.search(place) else 'in'} {place}" if name else place
    return ParseError(f"dbt cannot parse {subject}: {words_of_dbt}", hint=_hint(place))


def _unknown_parent(error: Any, node: Any, project_dir: Path) -> ParseError:  # noqa: ANN401  # dbt's own
    """Return the error for a ref() or source() of something that does not exist or is disabled."""
    name, kind = str(error.target_name), str(error.target_kind)
    file = str(node.original_file_path)
    last = name.rpartition(".")[2] if kind == "source" else name
    place = _in(file, only_line_with(re.compile(rf"""["']{re.escape(last)}["']"""), project_dir / file))
    what = {"node": "model, seed or snapshot"}.get(kind, kind)
    details = [f"version {error.target_version}"] if error.target_version is not None else []
    details += [f"of the package {error.target_package}"] if error.target_package else []
    wanted = f"{name} ({', '.join(details)})" if details else name
    depends = f"The {_kind(node)} {node.name} ({place}) depends on {wanted}"
    if error.disabled:
        return ParseError(f"{depends}, which is disabled.", hint=f"Enable {name}, or correct {place}, {_AGAIN}")
    known = _names_of(error, "sources" if kind == "source" else "nodes")
    if name in known:
        return ParseError(f"{depends}, but there is only another {name}.", hint=_hint(place))
    others = tuple(other for other in known if other != node.name)
    return ParseError(f"{depends}, but there is no {what} of that name.", hint=_hint(place, _similar(name, others)))


def _subject(error: BaseException, project_dir: Path) -> tuple[str, str, str]:
    """Return kind, name and file of what dbt was parsing; each may be empty."""
    node = getattr(error, "node", None)
    file = getattr(node, "original_file_path", "")
    if file:
        return _kind(node), str(getattr(node, "name", "")), str(file)
    if type(error).__name__ == "DbtSelectorsError":
        return "", "", "selectors.yml"
    kind, name, file = worked_on(error, project_dir) or ("", "", file_beside_the_project(error))
    return (kind, name, file) if kind else ("", "", file)


def _place(error: BaseException, subject: tuple[str, str], words_of_dbt: str, project_dir: Path) -> str:
    """Return the file, with the line if it is certain, in which the mistake is; empty if it is in no known file."""
    name, file = subject
    node = getattr(error, "node", None)
    if place := place_of(error, _block(error, file) if getattr(node, "name", None) is None else node, project_dir):
        return place
    if not file:
        return ""
    line = None
    if type(error).__name__ in _COUNTED_FROM_FILE and (found := _LINE_OF_FILE.search(words_of_dbt)):
        # dbt removes blank lines at the start of a file before it counts.
        line = int(found[1] or found[2]) + blank_lines_before(project_dir / file)
    elif name:
        line = line_of_name(project_dir / file, name)
    if line is None:
        return _place_of_words(error, file, words_of_dbt, project_dir)
    return _in(file, line)


def _place_of_words(error: BaseException, file: str, words_of_dbt: str, project_dir: Path) -> str:
    """Return the only line with what dbt complains about, in the file or in the YAML file of the node."""
    nodes = (getattr(error, "node", None), *(frame.get("node") for frame in _frames(error)))
    patches = [path.partition("://")[2] for node in nodes if (path := getattr(node, "patch_path", None))]
    # While dbt applies a patch, the node does not know of it yet.
    patches += [getattr(frame.get("patch"), "original_file_path", "") for frame in _frames(error)]
    words = [next(filter(None, found.groups())) for found in _CULPRIT.finditer(words_of_dbt)]
    if "\n" in words_of_dbt:  # the last line of Jinja's message is the line that it cannot read
        words.append(words_of_dbt.splitlines()[-1].strip())
    for path in filter(None, (file, *patches)):
        for word in words:
            line = only_line_with(re.compile(rf"(?<!\w){re.escape(word)}(?!\w)"), project_dir / path)
            if line is not None:
                return _in(path, line)
    return _in(file, None)


def _block(error: BaseException, file: str) -> Any:  # noqa: ANN401  # as dbt's node
    """Return the macro, test or other block that dbt was parsing, as something with a file and a text."""
    for frame in _frames(error):
        text = getattr(frame.get("block"), "full_block", None)
        if isinstance(text, str):
            return SimpleNamespace(original_file_path=file, raw_code=text)
    return None


def _names_of(error: BaseException, section: str) -> tuple[str, ...]:
    """Return what dbt had parsed so far: the names of all that ref() takes, or of the sources."""
    manifests = (frame.get("manifest") or getattr(frame.get("self"), "manifest", None) for frame in _frames(error))
    found = next((manifest for manifest in manifests if hasattr(manifest, section)), None)
    parsed = list(getattr(found, section, {}).values())
    if section == "sources":
        return tuple(f"{source.source_name}.{source.name}" for source in parsed)
    return tuple(node.name for node in parsed if getattr(node, "is_refable", False))


def _frames(error: BaseException) -> Iterator[dict[str, Any]]:
    """Yield the local variables of the frames of an error, innermost first."""
    for frame, _ in list(traceback.walk_tb(error.__traceback__))[::-1]:
        yield frame.f_locals


def _similar(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, sorted(set(known)), n=3)
    return f"Did you mean {' or '.join(near)}? " if near else ""


def _hint(place: str, similar: str = "") -> str:
    file = place.partition(", called at ")[0]
    return f"{similar}Correct {file} {_AGAIN}"


def _in(file: str, line: int | None) -> str:
    return f"{Path(file)}:{line}" if line is not None else str(Path(file))


def _kind(node: Any) -> str:  # noqa: ANN401  # dbt's node
    kind = getattr(node, "resource_type", "")
    return str(getattr(kind, "value", kind) or "").replace("_", " ")


def _one_of(key: str) -> str:
    """Return the kind of the entries of a list in a YAML file: `model` for `models`."""
    return "analysis" if key == "analyses" else key.removesuffix("s").replace("_", " ")


def _keys(path: str) -> str:
    """Return a path as jsonschema writes it, `'columns'][0`, as `columns.0`."""
    return path.replace("][", ".").replace("'", "")
