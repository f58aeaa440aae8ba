"""Virus scans, an optional step before a file is stored."""

import asyncio
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import BinaryIO, Protocol
from urllib.parse import urlsplit

from filekit.errors import FileInfected, ScanLimitExceeded, ScannerUnavailable
from filekit.spool import BLOCK

_LENGTH = struct.Struct("!L")
_ANSWER_LIMIT = 4096
SCANS = 4
"""Maximum number of concurrent scans in a process."""


class Scanner(Protocol):
    """Scans files for malicious code."""

    async def scan(self, file: BinaryIO) -> None:
        """Scan a file. Raises `FileInfected`, `ScanLimitExceeded`, `ScannerUnavailable`."""
        ...

    async def check(self) -> None:
        """Raise `ScannerUnavailable` if the scanner does not respond; for `/readyz`."""
        ...


class NullScanner:
    """Accepts every file: for development, and where another system scans files."""

    async def scan(self, file: BinaryIO) -> None:
        """Accept any file."""

    async def check(self) -> None:
        """Always available."""


class ClamdScanner:
    """ClamAV's daemon, over TCP or a local socket, with the command INSTREAM of clamd(8).

    The file is sent over the connection, so the daemon needs no access to the service's disk. Any unexpected
    response rejects the file.
    """

    def __init__(
        self,
        *,
        host: str = "localhost",
        port: int = 3310,
        path: str | None = None,
        seconds: float = 60,
    ) -> None:
        """Use `host` and `port`, or the local socket `path`; `seconds` is the timeout of a scan."""
        self._host = host
        self._port = port
        self._path = path
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(SCANS, thread_name_prefix="clamd")

    async def scan(self, file: BinaryIO) -> None:
        """See `Scanner.scan`."""
        answer = await self._ask(b"zINSTREAM\0", file)
        if answer == b"stream: OK":
            return
        if answer.endswith(b" FOUND"):
            raise FileInfected
        if b"size limit exceeded" in answer:
            raise ScanLimitExceeded
        raise ScannerUnavailable

    async def check(self) -> None:
        """See `Scanner.check`."""
        if await self._ask(b"zPING\0") != b"PONG":
            raise ScannerUnavailable

    async def _ask(self, command: bytes, file: BinaryIO | None = None) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._converse, command, file)
        except OSError as error:
            raise ScannerUnavailable from error

    def _converse(self, command: bytes, file: BinaryIO | None) -> bytes:
        end = time.monotonic() + self._seconds
        with self._connect() as connection:
            connection.sendall(command)
            if file is not None:
                # For a file that is too large, the daemon responds early and closes the connection: sending
                # fails, and the response gives the reason.
                with suppress(BrokenPipeError, ConnectionResetError):
                    _send(connection, file, end)
            answer = b""
            while not answer.endswith(b"\0"):
                piece = connection.recv(_ANSWER_LIMIT)
                if not piece or len(answer) > _ANSWER_LIMIT or time.monotonic() > end:
                    raise ConnectionError
                answer += piece
        return answer.rstrip(b"\0").strip()

    def _connect(self) -> socket.socket:
        if self._path is None:
            return socket.create_connection((self._host, self._port), self._seconds)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(self._seconds)
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        return connection


def _send(connection: socket.socket, file: BinaryIO, end: float) -> None:
    file.seek(0)
    while block := file.read(BLOCK):
        if time.monotonic() > end:
            raise TimeoutError
        connection.sendall(_LENGTH.pack(len(block)) + block)
    connection.sendall(_LENGTH.pack(0))


def scanner_of(url: str | None) -> Scanner:
    """Return the scanner for a setting: `tcp://host:3310`, `unix:///run/clamav/clamd.ctl`, or None."""
    if url is None:
        return NullScanner()
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path:
        return ClamdScanner(path=parts.path)
    if parts.scheme == "tcp" and parts.hostname:
        return ClamdScanner(host=parts.hostname, port=parts.port or 3310)
    raise ValueError("a scanner is tcp://host:port or unix:///path")
