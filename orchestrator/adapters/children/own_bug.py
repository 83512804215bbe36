"""Tells a bug of elt in a child process from an error of the user's code, of a tool or of a source system."""

import re
import traceback
from pathlib import Path

_OWN = str(Path(__file__).parents[2])
_OF_PROGRAMMING = (AssertionError, AttributeError, LookupError, NameError, NotImplementedError, TypeError)
_CALL = re.compile(r"\(\) (?:missing|got|takes) ")


class ChildBugError(Exception):
    """A bug of elt in a child; its notes have the traceback of the child."""


def is_bug_of_elt(error: BaseException) -> bool:
    """Return whether code of elt raised an exception that only a mistake in it explains.

    Only the innermost frame counts: elt calls the user's code. A call that does not fit the signature of the user's
    function is raised in the frame of the caller.
    """
    if error.__cause__ is not None:  # dlt raises its own exception for any that it meets
        return is_bug_of_elt(error.__cause__)
    frames = traceback.extract_tb(error.__traceback__)
    return (
        bool(frames)
        and frames[-1].filename.startswith(_OWN)
        and isinstance(error, _OF_PROGRAMMING)
        and not (isinstance(error, TypeError) and _CALL.search(str(error)))
    )


def described(error: BaseException) -> dict[str, str]:
    """Return the bug as the message of a child."""
    complete = "".join(traceback.format_exception(error))
    while error.__cause__ is not None:
        error = error.__cause__
    frame = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(frame.filename).relative_to(Path(_OWN).parent)
    return {
        "bug": f"{type(error).__name__}: {error} ({file}:{frame.lineno})",
        "traceback": complete,
    }


def bug_in_child(message: dict[str, str]) -> ChildBugError:
    """Return the exception for such a message."""
    error = ChildBugError(message["bug"])
    error.add_note(message["traceback"])
    return error
