"""Real servers on loopback that keep what notifications they get: HTTP and SMTP."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller


@dataclass
class Webhook:
    """What an HTTP server got, and how it answers."""

    port: int = 0
    got: list[tuple[str, str]] = field(default_factory=list)
    """The path and the body of each request."""
    status: int = 200
    delay: float = 0.0
    """How long each request waits, unless `released` is set before."""
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"json://localhost:{self.port}/"

    @property
    def messages(self) -> list[dict[str, str]]:
        return [json.loads(body) for _, body in self.got if body.startswith("{")]

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]

    def wait_for(self, number: int, seconds: float = 60) -> None:
        """Wait until so many requests have come."""
        until = time.monotonic() + seconds
        while len(self.got) < number and time.monotonic() < until:
            time.sleep(0.05)
        assert len(self.got) >= number, self.got


@contextmanager
def running_webhook() -> Iterator[Webhook]:
    """Run an HTTP server that takes every request."""
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            kept.released.wait(kept.delay)
            kept.got.append((self.path, body))
            self.send_response(kept.status)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    kept.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running_mail_server() -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Run an SMTP server; yield its port and the subjects and texts that it got."""
    got: list[tuple[str, str]] = []

    class Keeper:
        async def handle_DATA(self, _server: object, _session: object, envelope) -> str:  # noqa: N802  # aiosmtpd's name
            mail = message_from_bytes(envelope.content)
            parts = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
            text = parts[0].get_payload(decode=True).decode() if parts else str(mail.get_payload())
            got.append((str(mail["Subject"]), text))
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Keeper(), hostname="127.0.0.1", port=port, ready_timeout=30)
    controller.start()
    try:
        yield port, got
    finally:
        controller.stop()
