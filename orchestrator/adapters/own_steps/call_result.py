"""Defines what a child process says about the call of a step."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """How a call ended."""

    message: str = ""
    error: str = ""
    """Empty if it succeeded."""
    may_pass: bool = False
    """Whether another attempt may succeed."""
    code: int | None = None
    """The exit code of a command; negative for a signal."""
