"""HTTP calls of steps, against a real server on loopback."""

import json
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from orchestrator.adapters.own_steps.call_result import CallResult
from orchestrator.adapters.own_steps.http_call import call_http, filled_url, is_same_host, value_at
from orchestrator.nodes.own_step import HttpCall, Poll
from tests.fakes.loopback import Loopback, serving


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serving() as known:
        yield known


def call(url: str, *, method: str = "POST", said: list[str] | None = None, **options) -> CallResult:
    """Call as a child process does, with the fields of the call as JSON."""
    poll = options.pop("poll", None)
    asked = HttpCall(method=method, url=url, poll=None if poll is None else Poll(**poll), **options)
    lines = said if said is not None else []
    return call_http(json.loads(json.dumps(asdict(asked))), lines.append, pause=lambda _seconds: None)


def test_a_call_sends_method_headers_and_body(server: Loopback) -> None:
    """And any status from 200 to 299 is a success."""
    server.script("/refresh", 204)
    found = call(f"{server.url}/refresh", headers=(("Authorization", "Bearer abc"),), body='{"full": true}')
    assert found == CallResult(message="HTTP 204")
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/refresh", '{"full": true}')
    assert asked.headers["Authorization"] == "Bearer abc"
    assert asked.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "statuses", "may_pass"),
    [(404, (), False), (401, (), False), (429, (), True), (503, (), True), (500, (), True), (202, (200,), False)],
)
def test_a_status_that_is_not_expected_is_an_error(server: Loopback, status: int, statuses, *, may_pass: bool) -> None:
    """A busy or broken server may answer another attempt; the answer is shown."""
    server.script("/x", (status, {"why": "no"}))
    found = call(f"{server.url}/x", statuses=statuses)
    assert f"HTTP {status}" in found.error
    assert '"why": "no"' in found.error
    assert found.may_pass is may_pass


def test_an_expected_status_is_a_success(server: Loopback) -> None:
    """Whatever it means elsewhere."""
    server.script("/x", 409)
    assert call(f"{server.url}/x", statuses=(200, 409)).error == ""


def test_a_server_that_is_not_there_may_be_there_later() -> None:
    """A refused connection is no mistake of the project."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = call(f"http://127.0.0.1:{port}/x")
    assert f"127.0.0.1:{port} cannot be reached" in found.error
    assert found.may_pass


def test_an_answer_that_is_too_deep_is_no_json(server: Loopback) -> None:
    """It is an error of the request, not the end of the process."""
    server.script("/x", "[" * 200_000)
    poll = {"url": "/y", "headers": (), "status_field": "a", "success": ("b",), "failure": (), "every_seconds": 1}
    assert "the answer is not JSON: [[[" in call(f"{server.url}/x", poll=poll).error


def test_a_server_that_answers_a_byte_now_and_then_is_given_up(monkeypatch) -> None:
    """The limit is for the whole request; each byte begins the timeout of a socket again."""
    monkeypatch.setattr("orchestrator.adapters.own_steps.http_call._SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            with listening.accept()[0] as connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
                for _ in range(30):
                    time.sleep(0.1)
                    connection.sendall(b".")

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        found = call(f"http://127.0.0.1:{listening.getsockname()[1]}/x")
    assert time.monotonic() - began < 2
    assert "did not answer within 0.5 s" in found.error
    assert found.may_pass


def test_a_redirect_within_the_host_is_followed(server: Loopback) -> None:
    """With the same request for 307 and 308."""
    server.script("/old", (307, {}, {"Location": "/new"}))
    server.script("/new", 200)
    assert call(f"{server.url}/old", headers=(("X-Key", "abc"),), body="{}").error == ""
    assert server.paths() == ["POST /old", "POST /new"]
    assert server.asked[1].headers["X-Key"] == "abc"


def test_a_redirect_to_another_host_is_refused(server: Loopback) -> None:
    """The other host gets neither the headers nor the body."""
    with serving() as other:
        server.script("/x", (302, {}, {"Location": f"{other.url}/y?token=abc"}))
        found = call(f"{server.url}/x", headers=(("X-Key", "abc"),))
        assert "redirects to 127.0.0.1" in found.error
        assert "abc" not in found.error
        assert other.asked == []


def test_a_login_in_the_url_is_basic_authentication(server: Loopback) -> None:
    """Percent-encoded, as URLs have it; the URL that is sent does not contain it."""
    server.script("/x", 200)
    assert call(server.url.replace("//", "//ann:p%40ss@") + "/x").error == ""
    assert server.asked[0].headers["Authorization"] == f"Basic {b64encode(b'ann:p@ss').decode()}"
    assert "ann" not in server.asked[0].headers["Host"]


@pytest.mark.parametrize("url", ["http://bi:port/x", "http:///x", "http://bi/a b"])
def test_a_url_that_cannot_be_meant_is_no_passing_error(url: str) -> None:
    """Another attempt would not help."""
    found = call(url)
    assert "the request cannot be sent" in found.error
    assert not found.may_pass


POLL = {
    "url": "/jobs/{response.job.id}",
    "status_field": "job.status",
    "success": ("succeeded",),
    "failure": ("failed", "cancelled"),
    "every_seconds": 0.01,
}


def test_a_started_job_is_polled_to_its_end(server: Loopback) -> None:
    """The id of the first answer is part of the URL; each new state is a line of the log."""
    said: list[str] = []
    server.script("/jobs", {"job": {"id": "a/7"}})
    server.script("/jobs/a%2F7", *({"job": {"status": status}} for status in ("pending", "running", "succeeded")))
    found = call(f"{server.url}/jobs", headers=(("Authorization", "Bearer abc"),), poll=POLL, said=said)
    assert found == CallResult(message="job.status: succeeded")
    assert server.paths() == ["POST /jobs", *["GET /jobs/a%2F7"] * 3]
    assert all(one.headers["Authorization"] == "Bearer abc" for one in server.asked)
    assert said[-3:] == ["job.status: pending", "job.status: running", "job.status: succeeded"]


def test_a_job_that_fails_is_an_error_that_does_not_pass(server: Loopback) -> None:
    """The answer is shown."""
    server.script("/jobs", {"job": {"id": 7}})
    server.script("/jobs/7", {"job": {"status": "failed", "reason": "quota"}})
    found = call(f"{server.url}/jobs", poll=POLL)
    assert found.error.startswith("job.status is failed")
    assert "quota" in found.error
    assert not found.may_pass


def test_a_poll_survives_a_server_that_is_busy_for_a_while(server: Loopback) -> None:
    """The job goes on meanwhile; it is not started twice."""
    server.script("/jobs", {"job": {"id": 7}})
    server.script("/jobs/7", 503, (429, {}, {"Retry-After": "1"}), {"job": {"status": "succeeded"}})
    assert call(f"{server.url}/jobs", poll=POLL).error == ""
    assert server.paths().count("POST /jobs") == 1


def test_a_poll_that_is_never_answered_is_an_error_without_another_attempt(server: Loopback) -> None:
    """Another attempt would start the same work twice."""
    server.script("/jobs", {"job": {"id": 7}})
    server.script("/jobs/7", 503)
    found = call(f"{server.url}/jobs", poll=POLL)
    assert found.error.startswith("it was started, but its end is not known: the server answered HTTP 503")
    assert not found.may_pass
    assert server.paths().count("GET /jobs/7") == 10


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({"task": {"id": 7}}, {}, "the answer has no job.id: at job, it has task"),
        ("<html>", {}, "the answer is not JSON: <html>"),
        ({"job": {"id": 7}}, {"job": {"state": "x"}}, "the answer has no job.status: at status, it has state"),
    ],
)
def test_an_answer_of_another_form_is_told(server: Loopback, first: object, second: object, told: str) -> None:
    """With the keys that it has, and not their values."""
    server.script("/jobs", (200, first))
    server.script("/jobs/7", (200, second))
    assert told in call(f"{server.url}/jobs", poll=POLL).error


def test_another_host_that_is_polled_gets_its_own_headers_only(server: Loopback) -> None:
    """The token of one service is not sent to another."""
    with serving() as other:
        server.script("/jobs", {"id": 7})
        other.script("/7", {"state": True})
        poll = {**POLL, "url": f"{other.url}/{{response.id}}", "status_field": "state", "success": ("true",)}
        found = call(
            f"{server.url}/jobs",
            headers=(("Authorization", "Bearer abc"),),
            poll={**poll, "headers": (("X-Other", "own"),)},
        )
        assert found.error == ""
        assert "Authorization" not in other.asked[0].headers
        assert other.asked[0].headers["X-Other"] == "own"


def test_values_of_an_answer_are_found_by_their_path() -> None:
    """In mappings and lists."""
    assert value_at({"jobs": [{"id": 5}]}, "jobs.0.id") == 5
    assert filled_url("/{response.a}/{response.b.0}", {"a": "x y", "b": [True]}) == "/x%20y/true"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://bi/x", "https://bi:443/y", True),
        ("https://bi/x", "http://bi/x", False),
        ("https://bi/x", "https://bi.example.com/x", False),
        ("http://bi:80", "http://bi", True),
    ],
)
def test_a_host_is_the_same_with_scheme_and_port(one: str, other: str, *, same: bool) -> None:
    """As browsers define an origin."""
    assert is_same_host(one, other) is same
