"""Names everything that dbt's parse of a project can depend on, and computes one digest of it.

The digest is of contents: neither a restored time of change nor a checkout of the same files makes a difference.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

_ASKED = re.compile(r"""\benv_var\b(?:\s*\(\s*(?:'(\w+)'|"(\w+)")\s*[,)])?""")
"""A call with a plain name; without a group, the name is not known, or the function itself is passed on."""
_TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NAMES = re.compile(r"""'[^']*'|"[^"]*"|(?<![\w.])[A-Za-z_]\w*""")
_STEADY = frozenset(
    {
        *("env_var", "var", "target", "project_name", "profile_name"),
        *("as_text", "as_bool", "as_native", "as_number"),
        *("int", "float", "string", "lower", "upper", "trim", "default"),
        *("if", "elif", "else", "endif", "and", "or", "not", "in", "is", "defined", "none", "None"),
        *("true", "false", "True", "False"),
    }
)
"""Names in Jinja of dbt's configuration files that give the same value each time. dbt renders these files each time."""
_RENDERED_LATER = frozenset({"on-run-start", "on-run-end", "query-comment"})
"""Keys of dbt_project.yml below which dbt renders nothing while it reads the file: hooks are rendered when they run."""
_VARIABLES = ("HOME", "USERPROFILE", "XDG_CONFIG_HOME")
_INSTALLED = (".dist-info", ".egg-info", ".pth", ".egg-link")
_CONFIGURATION = (".yml", ".yaml", ".env", ".dbtignore")
_MOST_FILES, _MOST_BYTES = 50_000, 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseInputs:
    """The places and variables that a parse reads; paths are absolute."""

    trees: tuple[str, ...]
    """Folders of which every file counts."""
    tops: tuple[str, ...]
    """Folders of which the configuration files count that are directly in them."""
    lists: tuple[str, ...]
    """Folders of which the names of what they contain count."""
    files: tuple[str, ...]
    """Single files, which need not exist."""
    variables: tuple[str, ...] | None = ()
    """The environment variables that are asked for, besides those of dbt; None: any may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputState:
    """The state of the inputs of a parse."""

    digest: str
    settings: str
    """The digest of all inputs but the trees."""
    changed_at: int
    """When a file or a folder of them was last changed, in nanoseconds since the epoch."""


class TooManyInputsError(Exception):
    """The inputs are too large to be read before each command."""


def state_of(inputs: ParseInputs, environ: Mapping[str, str]) -> InputState:
    """Return the state of the inputs now.

    Raises:
        OSError: a file cannot be read. TooManyInputsError: there is too much to read.
    """
    found, newest, size, number, digests = blake2b(digest_size=20), 0, 0, 0, []
    for part in (*_process(), *_environment(inputs.variables, environ), *_listings(inputs.lists)):
        _add(found, part)
    for paths in ((*_files_of(inputs.tops, ()), *inputs.files), _files_of((), inputs.trees)):
        for path in paths:
            _add(found, path)
            try:
                with open(path, "rb") as file:  # noqa: PTH123  # half the time for thousands of small files
                    stat, content = os.fstat(file.fileno()), file.read()
            except FileNotFoundError:
                _add(found, "\0missing")
                continue
            newest = max(newest, stat.st_mtime_ns, stat.st_ctime_ns)
            size, number = size + len(content), number + 1
            if size > _MOST_BYTES or number > _MOST_FILES:
                raise TooManyInputsError
            found.update(blake2b(content, digest_size=20).digest())
        digests.append(found.hexdigest())
    for folder in inputs.trees:
        newest = max(newest, *(os.stat(one).st_mtime_ns for one in _folders(folder)), 0)  # noqa: PTH116  # as above
    settings, digest = digests
    return InputState(digest=digest, settings=settings, changed_at=newest)


def variables_asked(inputs: ParseInputs) -> tuple[str, ...] | None:
    """Return the environment variables that the files ask for with `env_var`; None if a name is not known.

    Raises:
        OSError: a file cannot be read.
    """
    names: set[str] = set()
    for path in (*_files_of(inputs.tops, inputs.trees), *inputs.files):
        if not Path(path).exists():
            continue
        for asked in _ASKED.finditer(Path(path).read_text("utf-8", errors="replace")):
            name = asked[1] or asked[2]
            if not name:
                return None
            names.add(name)
    return tuple(sorted(names))


def is_steady(inputs: ParseInputs) -> bool:
    """Return whether dbt's configuration files have the same values each time: their Jinja reads no clock, no id."""
    for path in (*_files_of(inputs.tops, ()), *inputs.files):
        if not Path(path).exists():
            continue
        text = Path(path).read_text("utf-8", errors="replace")
        rendered = _rendered_at_once(text) if Path(path).name == "dbt_project.yml" else [text]
        for tag in (tag for each in rendered for tag in _TAGS.finditer(each)):
            names = [name for name in _NAMES.findall(tag[0]) if name[0] not in "'\""]
            if not _STEADY.issuperset(names):
                return False
    return True


def _rendered_at_once(text: str) -> list[str]:
    """Return the texts of dbt_project.yml that dbt renders when it reads the file; the others it keeps as they are."""
    import yaml

    try:
        project = yaml.safe_load(text)
    except yaml.YAMLError:
        return [text]
    if not isinstance(project, dict):
        return [text]
    return list(_texts({key: value for key, value in project.items() if key not in _RENDERED_LATER}))


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                # as in dbt, which allows both spellings, and a plus sign
                if str(key).lstrip("+ ").replace("_", "-") not in {"pre-hook", "post-hook"}:
                    yield from _texts(key)
                    yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def _add(digest: "blake2b", part: str) -> None:
    data = part.encode("utf-8", errors="surrogateescape")
    digest.update(len(data).to_bytes(8, "big") + data)  # with its length, so that no two sequences have one digest


def _process() -> Iterator[str]:
    """Yield what the process itself contributes: Python, and the names and versions of everything installed."""
    yield sys.version
    for place in sys.path:
        yield place
        try:
            yield from sorted(name for name in os.listdir(place) if name.endswith(_INSTALLED))  # noqa: PTH208
        except OSError:
            continue  # not a folder, or not there


def _environment(variables: Iterable[str] | None, environ: Mapping[str, str]) -> Iterator[str]:
    names = {name for name in environ if variables is None or name.upper().startswith("DBT_")}
    for name in sorted(names.union(_VARIABLES, variables or ())):
        yield f"{name}={environ[name]}" if name in environ else name


def _listings(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        yield folder
        yield from sorted(os.listdir(folder)) if Path(folder).is_dir() else ()  # noqa: PTH208


def _files_of(tops: Iterable[str], trees: Iterable[str]) -> Iterator[str]:
    for top in tops:
        names = os.listdir(top) if Path(top).is_dir() else ()  # noqa: PTH208
        yield from sorted(os.path.join(top, name) for name in names if name.endswith(_CONFIGURATION))  # noqa: PTH118
    for tree in trees:
        for folder in _folders(tree):
            with os.scandir(folder) as entries:
                yield from sorted(entry.path for entry in entries if entry.is_file())


def _folders(tree: str) -> Iterator[str]:
    # dbt follows links too.
    for folder, below, _ in os.walk(tree, followlinks=True):
        below[:] = sorted(name for name in below if name != "__pycache__")
        yield folder
