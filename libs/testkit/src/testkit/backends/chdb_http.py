"""chDB behind HTTP: the engine of ClickHouse, answering the requests that a client sends to a server.

`python -m testkit.backends.chdb_http PORT DIRECTORY`. Not a server of ClickHouse: it knows what the driver
`clickhouse-connect` sends (statements, bound parameters, settings, inserts of a format) and answers one
request at a time. It has no users, no compression, no sessions and no cluster.
"""

import importlib
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

# Of the transport, not of the engine (clickhouse-connect's list of the same name).
_TRANSPORT = frozenset(
    {
        "query",
        "database",
        "buffer_size",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "compress",
        "decompress",
        "wait_end_of_query",
        "client_protocol_version",
        "role",
        "default_format",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "enable_http_compression",
    }
)
_INSERT = re.compile(r"^(\s*INSERT\s+INTO\s.*?)\bFORMAT\s+(\w+)\s*$", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"Code: (\d+)\.")


class Engine:
    """The engine of the process; one statement at a time."""

    def __init__(self, directory: str) -> None:
        self._chdb: Any = importlib.import_module("chdb")
        self._directory = directory
        # Open until the end, so that the engine is not started again for each request.
        self._open = self._chdb.connect(directory)
        self._lock = threading.Lock()

    def run(self, sql: str, data: bytes, parameters: dict[str, str]) -> bytes:
        """Run a statement, with the data of an insert; return what it answers."""
        with self._lock, tempfile.NamedTemporaryFile() as file:
            connection = self._chdb.connect(self._directory)
            try:
                if parameters.get("database"):
                    connection.query(f"USE `{parameters['database']}`")
                for name, value in parameters.items():
                    if name not in _TRANSPORT and not name.startswith("param_"):
                        connection.query(f"SET {name} = {_quoted(value)}")
                insert = _INSERT.match(sql)
                if insert is not None and data:
                    file.write(data)
                    file.flush()
                    sql = f"{insert[1]} FROM INFILE {_quoted(file.name)} FORMAT {insert[2]}"
                bound = {
                    name.removeprefix("param_"): value
                    for name, value in parameters.items()
                    if name.startswith("param_")
                }
                answer = connection.query(sql, "TabSeparated", params=bound or None)
                return bytes(answer.bytes() or b"")
            finally:
                connection.close()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Handler(BaseHTTPRequestHandler):
    """Answers a request of the driver."""

    protocol_version = "HTTP/1.1"
    engine: Engine

    def do_GET(self) -> None:
        """Answer a ping, or a statement in the address."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Run the statement in the address, else in the body."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            self._answer(self._chunks())
        else:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _chunks(self) -> bytes:
        found = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(found)

    def _answer(self, body: bytes) -> None:
        address = urlsplit(self.path)
        parameters = dict(parse_qsl(address.query, keep_blank_values=True))
        sql = parameters.get("query", "")
        if not sql and not body:
            self._send(200, b"Ok.\n", {})
            return
        try:
            found = self.engine.run(sql or body.decode(), body if sql else b"", parameters)
        except Exception as error:
            message = str(error)
            code = _CODE.search(message)
            headers = {"X-ClickHouse-Exception-Code": code[1]} if code else {}
            self._send(500, message[max(0, message.find("Code: ")) :].encode(), headers)
            return
        self._send(200, found, {"X-ClickHouse-Format": "TabSeparated", "X-ClickHouse-Timezone": "UTC"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def main(port: int, directory: str) -> None:
    """Serve until the process ends."""
    Handler.engine = Engine(directory)
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
