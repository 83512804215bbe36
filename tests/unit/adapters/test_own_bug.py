"""A bug of elt in a child is told from an error of the user's code."""

import pytest

from orchestrator.adapters.children.own_bug import bug_in_child, described, is_bug_of_elt
from orchestrator.config.repeat_settings import wish_in_meta
from orchestrator.nodes.manifest import manifest_from


def raised(call) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # any exception
        call()
    return caught.value


def bug():
    return wish_in_meta(None)  # type: ignore[arg-type]  # the bug


def test_an_exception_in_the_code_of_elt_is_a_bug():
    """The message has the file and the line, and the exception the traceback of the child."""
    error = raised(bug)
    assert is_bug_of_elt(error)
    told = bug_in_child(described(error))
    assert str(told).startswith("AttributeError: 'NoneType' object has no attribute 'get' (orchestrator/config/")
    assert "Traceback" in told.__notes__[0]


def test_a_bug_that_dlt_wraps_is_a_bug():
    """The cause decides."""

    def wrapped():
        try:
            bug()
        except AttributeError as error:
            raise RuntimeError("step failed") from error

    assert is_bug_of_elt(raised(wrapped))
    assert "AttributeError" in described(raised(wrapped))["bug"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: {}["key"],
        lambda: manifest_from([], "manifest.json"),
        lambda: (_ for _ in ()).throw(ValueError("of a tool")),
    ],
    ids=["the user's code", "an error with a remedy", "another"],
)
def test_any_other_exception_is_no_bug_of_elt(call):
    """It belongs to the module, or to a tool."""
    assert not is_bug_of_elt(raised(call))
