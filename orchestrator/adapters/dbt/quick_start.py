"""Replaces slow parts of dbt whose results are not needed."""

import os
import sys
from types import FrameType
from typing import Any

PLAIN = frozenset({str, int, float, bool, type(None)})


def start_quickly() -> None:
    """Apply all replacements in this process."""
    name_callers_quickly()
    take_plain_defaults_as_they_are()
    find_secrets_quickly()


def take_plain_defaults_as_they_are() -> None:
    """Let dbt's schemas of a project's YAML contain plain defaults without compiling a class for each.

    For each of some 500 fields mashumaro compiles a class with its packers, only to write a default unchanged. That
    takes a quarter of the time of a start with a full parse. The schema is the same.
    """
    from mashumaro.jsonschema import schema

    compiled = vars(schema).get("_default")
    # Missing in this version, or already replaced by an earlier session in this process.
    if compiled is None or compiled.__module__ == __name__:
        return

    def default(kind: object, value: object, *more: object) -> Any:  # noqa: ANN401  # mashumaro's own
        return value if type(value) in PLAIN else compiled(kind, value, *more)

    vars(schema)["_default"] = default


def name_callers_quickly() -> None:
    """Let dbt find the module that declares a behavior flag from the frame alone.

    For each flag of the adapter, dbt_common.behavior_flags reads the source text of every frame of the stack, which
    takes 2 % of the processor time of a start. The name is the same.
    """
    from dbt_common import behavior_flags

    own = {behavior_flags.__name__, __name__}

    def default_source() -> str:
        frame: FrameType | None = sys._getframe()  # noqa: SLF001  # what inspect.stack() begins with
        while frame is not None and frame.f_globals.get("__name__") in own:
            frame = frame.f_back
        return "Unknown" if frame is None else str(frame.f_globals.get("__name__", "Unknown"))

    behavior_flags.BehaviorFlagRendered._default_source = staticmethod(default_source)  # noqa: SLF001  # dbt has no other way


def find_secrets_quickly() -> None:
    """Let dbt look for secrets in the environment by their names alone.

    For each line of its log dbt decodes every variable, to hide the values of those named DBT_ENV_SECRET…. That takes 2
    % of the processor time of a run of small models, and more in a large environment.
    """
    from dbt_common.constants import SECRET_ENV_PREFIX
    from dbt_common.events import functions

    find = functions.env_secrets
    if find.__module__ == __name__:
        return
    prefix = os.fsencode(SECRET_ENV_PREFIX)

    def env_secrets() -> list[str]:
        return find() if prefix in b" ".join(os.environb) else []

    vars(functions)["env_secrets"] = env_secrets
