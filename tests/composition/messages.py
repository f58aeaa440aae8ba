"""The adapter that sends text messages, for a check: it keeps them until this machine has read them."""

import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Messages:
    """What was sent and not read yet, the latest first: a used code is not taken for a new one."""

    secret: str = ""
    """Bearer secret of those who send."""
    port: int = 0
    sent: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Messages]:
    """Take messages on a free port of every address: containers come by that of their network's bridge."""
    messages = Messages()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = self.headers.get("Authorization", "")
            if not hmac.compare_digest(given, f"Bearer {messages.secret}"):
                self._answer(HTTPStatus.UNAUTHORIZED, {})
                return
            messages.sent.insert(0, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(HTTPStatus.OK, {})

        def do_GET(self) -> None:
            if self.client_address[0] != "127.0.0.1":
                self._answer(HTTPStatus.FORBIDDEN, {})
                return
            (phone,) = parse_qs(urlsplit(self.path).query)["phone"]
            read = [one for one in messages.sent if one["phone"].endswith(phone)]
            for one in read:
                messages.sent.remove(one)
            self._answer(HTTPStatus.OK, read)

        def _answer(self, status: HTTPStatus, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("0.0.0.0", 0), Handler) as server:
        messages.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield messages
        finally:
            server.shutdown()
