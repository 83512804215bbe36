"""What is told of an error, and what must not be."""

import errno
from pathlib import Path

import pytest

from orchestrator.adapters.dlt.load_errors import explain, scrub


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("500 for url: https://api.test/v1?key=hunter2&page=1", "500 for url: https://api.test/v1?***"),
        ("cannot connect to postgres://me:hunter2@db/x", "cannot connect to postgres://***@db/x"),
        ("exceeded with url: /v1?key=hunter2 (Caused", "exceeded with url: /v1?*** (Caused"),
        ("no url at all?", "no url at all?"),
    ],
)
def test_urls_lose_their_query_and_password(text, shown):
    """A URL may carry a secret: what follows `?` and what stands before `@` are taken out."""
    assert scrub(text) == shown


def test_the_message_names_source_and_module_in_one_line():
    """Whatever was raised becomes one line of bounded length."""
    message, _ = explain(ValueError("a\nb " + "x" * 1000), "shop", "ingestion/shop.py", Path("/project"))
    assert message.startswith("running dlt source shop (ingestion/shop.py): ValueError: a b xxx")
    assert "\n" not in message
    assert len(message) < 500


def test_a_full_disk_has_its_own_hint():
    """What the system says of a full disk is told as such."""
    _, hint = explain(OSError(errno.ENOSPC, "No space left on device"), "shop", "ingestion/shop.py", Path("/project"))
    assert hint.startswith("The disk that holds ")
    assert hint.endswith("is full. Make room, then run again; nothing is loaded twice.")
