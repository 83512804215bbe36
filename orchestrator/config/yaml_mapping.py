"""Reads the keys of YAML files that belong to other tools, such as profiles.yml and dbt_project.yml."""

from pathlib import Path
from typing import Any

import yaml


def read_mapping(file: Path) -> dict[str, Any]:
    """Return the keys of a YAML file; none if it holds something else.

    Raises:
        OSError, UnicodeDecodeError, yaml.YAMLError: it cannot be read.
    """
    return _mapping(file.read_text(encoding="utf-8"))


def readable_mapping(text: str) -> dict[str, Any]:
    """Return the keys of a YAML text; none if it cannot be read, which its own tool reports better."""
    try:
        return _mapping(text)
    except yaml.YAMLError:
        return {}


def _mapping(text: str) -> dict[str, Any]:
    document = yaml.safe_load(text)
    return document if isinstance(document, dict) else {}
