"""Answers health checks of `elt schedule start`."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from orchestrator.errors import UsageError
from orchestrator.schedules.project_schedules import utc_now
from orchestrator.schedules.schedule_loop import ScheduleLoop

_SILENCE = timedelta(minutes=2)
"""The process is not healthy if it has not looked at the schedules for so long."""


@contextmanager
def no_health(_loop: ScheduleLoop) -> Iterator[None]:
    """Answer nothing."""
    yield


def served_health(host: str, port: int) -> Callable[[ScheduleLoop], AbstractContextManager[None]]:
    """Return a context that answers GET /healthz: 200 while the loop looks at the schedules, else 503."""

    @contextmanager
    def serve(loop: ScheduleLoop) -> Iterator[None]:
        try:
            server = ThreadingHTTPServer((host, port), _handler(loop))
        except OSError as error:
            raise UsageError(
                f"The address {host}:{port} cannot be used: {error.strerror}.",
                hint="Choose another --health-port or --health-host.",
            ) from error
        threading.Thread(target=server.serve_forever, name="elt-health", daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()

    return serve


def _handler(loop: ScheduleLoop) -> type[BaseHTTPRequestHandler]:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            """Answer one request."""
            if self.path.rstrip("/") != "/healthz":
                self._answer(404, '{"error": "only /healthz"}')
                return
            is_healthy = loop.looked_at is not None and utc_now() - loop.looked_at < _SILENCE
            self._answer(200 if is_healthy else 503, _status_json(loop))

        def _answer(self, code: int, body: str) -> None:
            text = body.encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server uses
            """Log nothing: a probe comes every few seconds."""

    return Health


def _status_json(loop: ScheduleLoop) -> str:
    """Return the state of the loop for health checks."""
    document = {
        "looked_at": None if loop.looked_at is None else loop.looked_at.isoformat(),
        "next_at": None if loop.next_at is None else loop.next_at.isoformat(),
        "running": [
            {"schedule": child.start.time.schedule, "logical_time": child.start.time.logical_time.isoformat()}
            for child in loop.children
        ],
    }
    return json.dumps(document)
