"""An API on loopback that fails as often as it is told, and then has rows."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FailingApi(ThreadingHTTPServer):
    """Answers 500 as often as `failures` says, then `rows`, a text of JSON."""

    def __init__(self, rows: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rows = rows
        self.failures = 0


class _Handler(BaseHTTPRequestHandler):
    server: FailingApi

    def do_GET(self) -> None:
        self.server.failures -= 1
        failing = self.server.failures >= 0
        self.send_response(500 if failing else 200)
        self.end_headers()
        self.wfile.write(b"" if failing else self.server.rows.encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def failing_api(rows: str) -> Iterator[FailingApi]:
    """Serve until the test is over."""
    with FailingApi(rows) as api:
        threading.Thread(target=api.serve_forever, args=(0.02,), daemon=True).start()
        yield api
        api.shutdown()
