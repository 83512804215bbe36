"""Spares a start of dbt work whose result nobody sees."""

import sys
from types import FrameType


def name_callers_quickly() -> None:
    """Let dbt name the module that declares a behavior flag from the frame alone.

    dbt_common.behavior_flags looks at the source text of every frame of the stack for each flag of the adapter, which
    costs a start a fiftieth of its processor time; the name is the same.
    """
    from dbt_common import behavior_flags

    own = {behavior_flags.__name__, __name__}

    def default_source() -> str:
        frame: FrameType | None = sys._getframe()  # noqa: SLF001  # what inspect.stack() begins with
        while frame is not None and frame.f_globals.get("__name__") in own:
            frame = frame.f_back
        return "Unknown" if frame is None else str(frame.f_globals.get("__name__", "Unknown"))

    behavior_flags.BehaviorFlagRendered._default_source = staticmethod(default_source)  # noqa: SLF001  # dbt has no other way
