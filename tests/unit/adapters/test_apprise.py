"""What Apprise is asked to send, to services that this machine cannot reach."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from orchestrator.adapters.apprise.apprise_sender import AppriseSender, secrets_in
from orchestrator.adapters.apprise.apprise_services import incident_argument, unknown_scheme
from orchestrator.adapters.ping import signal_url
from orchestrator.errors import MissingExtraError, NotificationError
from orchestrator.masking import Masker
from orchestrator.notifications.notification_ledger import LetterKind, Notification
from tests.fakes.clock import NOON

NOTIFICATION = Notification(
    destination="pager", kind=LetterKind.REPORT, made_at=NOON, due_at=NOON, title="t", body="b", incident="elt-shop-1"
)


def sender(url: str, folder: Path) -> AppriseSender:
    return AppriseSender(lambda _name: url, Masker(), folder, timedelta(seconds=20))


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, object]]]:
    """Keep what would be posted, and accept it."""
    got: list[tuple[str, dict[str, object]]] = []

    def post(url: str, data: str = "", **_options: object) -> SimpleNamespace:
        got.append((url, json.loads(data)))
        answer = json.dumps({"requestId": "alert-7", "result": "ok"}).encode()
        return SimpleNamespace(status_code=202, content=answer, text=answer.decode())

    monkeypatch.setattr(requests, "post", post)
    return got


def test_pagerduty_gets_the_key_of_the_cause_to_open_and_to_resolve(posted, tmp_path: Path) -> None:
    """The same key, so that it updates and resolves the same incident."""
    pager = sender("pagerduty://0a1b2c3d4e@9f8e7d6c5b", tmp_path)
    pager.send(NOTIFICATION, title="failed", body="why", level="failure")
    pager.send(NOTIFICATION, title="recovered", body="fine", level="success")
    assert [(one["event_action"], one["dedup_key"]) for _, one in posted] == [
        ("trigger", "elt-shop-1"),
        ("resolve", "elt-shop-1"),
    ]


def test_opsgenie_closes_the_alert_that_an_earlier_process_opened(posted, tmp_path: Path) -> None:
    """Apprise keeps the id of the alert in a file of the folder."""
    url = "opsgenie://0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"
    sender(url, tmp_path).send(NOTIFICATION, title="failed", body="why", level="failure")
    sender(url, tmp_path).send(NOTIFICATION, title="recovered", body="fine", level="success")
    (_, opened), (closed, _) = posted
    assert opened["alias"] == "elt-shop-1"
    assert closed.endswith("/alert-7/close")


@pytest.mark.parametrize(
    ("scheme", "argument"),
    [("pagerduty", "dedup"), ("opsgenie", "alias"), ("incidentio", "dedup"), ("slack", None), ("x", None)],
)
def test_incident_services_are_those_that_open_and_resolve_by_a_key(scheme: str, argument: str | None) -> None:
    assert incident_argument(scheme) == argument


def test_an_unknown_scheme_is_answered_with_similar_ones() -> None:
    assert "Did you mean 'slack'" in (unknown_scheme("slak") or "")
    assert unknown_scheme("mailtos") is None


@pytest.mark.parametrize("url", ["nothing://Secret-Token-0815", "slack://Secret-Token-0815"])
def test_a_url_that_apprise_does_not_accept_is_not_repeated(url: str, tmp_path: Path) -> None:
    """The message has the scheme, and no part that may be secret."""
    with pytest.raises(NotificationError) as caught:
        sender(url, tmp_path).send(NOTIFICATION, title="t", body="b", level="failure")
    assert "Secret-Token-0815" not in str(caught.value)


def test_a_text_that_contains_the_url_is_sent_without_it(posted, tmp_path: Path) -> None:
    url = "pagerduty://0a1b2c3d4e@9f8e7d6c5b"
    sender(url, tmp_path).send(NOTIFICATION, title="failed", body=f"cannot post to {url}", level="failure")
    assert "9f8e7d6c5b" not in str(posted[0][1]["payload"])


def test_the_secrets_of_a_url_are_its_password_and_its_tokens() -> None:
    found = set(secrets_in("slack://T0123ABCD/B0123ABCD/x/?to=%23data")) | set(secrets_in("json://u:pw@example.com/"))
    assert {"T0123ABCD", "B0123ABCD", "pw"} <= found
    assert not {"example.com", "u", "x"} & found


def test_without_apprise_the_message_says_how_to_install_it(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("orchestrator.adapters.apprise.apprise_services.find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match="Notifications need apprise") as caught:
        sender("json://localhost/", tmp_path).send(NOTIFICATION, title="t", body="b", level="failure")
    assert "elt-orchestrator[notify]" in caught.value.hint


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ("start", "https://hc.example.com/abc/start?rid=1"),
        ("0", "https://hc.example.com/abc?rid=1"),
        ("130", "https://hc.example.com/abc/130?rid=1"),
    ],
)
def test_a_ping_ends_with_its_signal(signal: str, expected: str) -> None:
    assert signal_url("https://hc.example.com/abc", signal, "1") == expected
    with_query = signal_url("https://hc.example.com/abc?create=1", signal, "1")
    assert with_query == expected.replace("?", "?create=1&")
