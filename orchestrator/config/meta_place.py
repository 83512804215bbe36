"""Finds where a node's `meta.elt` is written: its YAML file, its own file, or dbt_project.yml."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

_KEY = re.compile(r"'meta\.elt\.([^']+)'")


def place_of_meta(project_dir: Path, files: Iterable[str], name: str, mistake: str) -> str:
    """Return `file:line` of the key of `meta.elt` that a mistake of the node `name` names, in the first file with it.

    If no file has it, only the first file is named.
    """
    found = _KEY.search(mistake)
    path = found[1].split(".") if found else []
    candidates = list(dict.fromkeys(filter(None, files)))
    for file in candidates:
        line = _line_in(project_dir / file, name, path)
        if line is not None:
            return f"{file}:{line}"
    return candidates[0]


def _line_in(file: Path, name: str, path: list[str]) -> int | None:
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix not in {".yml", ".yaml"}:
            return _line_in_code(text, path[-1] if path else "elt")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    metas = list(_metas(root, ""))
    own = [line for owner, meta in metas if owner == name for line in _lines_of(meta, path)]
    # The name of a test is not in the file. A key of dbt_project.yml is not below the name of a node either.
    all_of_file = [line for _, meta in metas for line in _lines_of(meta, path)]
    return own[0] if own else all_of_file[0] if len(all_of_file) == 1 else None


def _line_in_code(text: str, word: str) -> int | None:
    quoted = re.compile(rf"""["']{re.escape(word)}["']""")
    found = [number for number, line in enumerate(text.splitlines(), 1) if quoted.search(line)]
    return found[0] if len(found) == 1 else None


def _metas(node: yaml.Node | None, owner: str) -> Iterator[tuple[str, yaml.MappingNode]]:
    """Yield each mapping below a key `meta` or `+meta`, with the name of the entry that contains it."""
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _metas(entry, owner)
    elif isinstance(node, yaml.MappingNode):
        pairs = [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
        named = {key.value: value.value for key, value in pairs if isinstance(value, yaml.ScalarNode)}
        for key, value in pairs:
            if key.value in {"meta", "+meta"} and isinstance(value, yaml.MappingNode):
                yield named.get("name", owner), value
            else:
                yield from _metas(value, named.get("name", owner))


def _lines_of(meta: yaml.MappingNode, path: list[str]) -> Iterator[int]:
    """Yield the line of the last key of `elt` and the path below it."""
    node: yaml.Node = meta
    for step, word in enumerate(wanted := ["elt", *path]):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((key, value) for key, value in pairs if key.value == word), None)
        if found is None:
            return
        if step == len(wanted) - 1:
            yield found[0].start_mark.line + 1
        node = found[1]
