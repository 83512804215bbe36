"""A real HTTP server on loopback that answers from a script, and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Loopback:
    """Answers each path with its next answer, and then for ever with the last one."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, list[object]] = field(default_factory=dict)

    def script(self, path: str, *answers: object) -> None:
        """Say how a path answers: a status, a JSON document, `(status, document)` or `(status, document, headers)`."""
        self.answers[path] = list(answers)

    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]

    def next(self, path: str) -> tuple[int, object, dict[str, str]]:
        several = self.answers.get(path, [404])
        found = several.pop(0) if len(several) > 1 else several[0]
        if callable(found):
            found = found()
        match found:
            case int():
                return found, {}, {}
            case (int(status), document):
                return status, document, {}
            case (int(status), document, dict(headers)):
                return status, document, headers
        return 200, found, {}


@contextmanager
def serving() -> Iterator[Loopback]:
    """Serve on a free port until the end of the context."""
    known = Loopback()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(known))
    known.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()


def _handler(known: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path = self.path.partition("?")[0]
            known.asked.append(Asked(method=self.command, path=self.path, headers=dict(self.headers), body=body))
            status, document, headers = known.next(path)
            text = document if isinstance(document, str) else json.dumps(document)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  # names of http.server

        def log_message(self, *_args: object) -> None:
            pass

    return Handler
