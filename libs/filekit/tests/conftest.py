"""A clamd to talk to: one that speaks the protocol, and the real one where it is installed."""

import asyncio
import shutil
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from filekit.errors import ScannerUnavailable
from filekit.scan import ClamdScanner

# The test file that every scanner finds (EICAR), in two pieces: this one is not to be found.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_EICAR_MD5 = "44d88612fea8a8f36de82e1278abb02f"
STREAM_LIMIT = 1024 * 1024

CLAMDS = ["fake", *(["real"] if shutil.which("clamd") else [])]


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One session as in clamd(8): a command and an answer end with NUL, chunks begin with their length."""
    try:
        command = await reader.readuntil(b"\0")
        if command == b"zPING\0":
            writer.write(b"PONG\0")
        elif command == b"zINSTREAM\0":
            writer.write(await _scan(reader))
        else:
            writer.write(b"UNKNOWN COMMAND\0")
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _scan(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while length := struct.unpack("!L", await reader.readexactly(4))[0]:
        content += await reader.readexactly(length)
        if len(content) > STREAM_LIMIT:
            return b"INSTREAM size limit exceeded. ERROR\0"
    return b"stream: Eicar-Test-Signature FOUND\0" if content == EICAR else b"stream: OK\0"


@asynccontextmanager
async def fake_clamd(folder: Path) -> AsyncIterator[ClamdScanner]:
    path = str(folder / "clamd.socket")
    server = await asyncio.start_unix_server(_converse, path)
    async with server:
        yield ClamdScanner(path=path)


@asynccontextmanager
async def real_clamd(folder: Path) -> AsyncIterator[ClamdScanner]:
    database = folder / "signatures"
    database.mkdir()
    (database / "test.hdb").write_text(f"{_EICAR_MD5}:{len(EICAR)}:Eicar-Test-Signature\n")
    socket = folder / "clamd.socket"
    configuration = folder / "clamd.conf"
    configuration.write_text(
        f"DatabaseDirectory {database}\nLocalSocket {socket}\nForeground yes\n"
        f"StreamMaxLength {STREAM_LIMIT}\nTemporaryDirectory {folder}\n"
    )
    process = await asyncio.create_subprocess_exec(
        "clamd",
        "--config-file",
        str(configuration),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        scanner = ClamdScanner(path=str(socket))
        async with asyncio.timeout(60):
            while True:
                try:
                    await scanner.check()
                    break
                except ScannerUnavailable:
                    assert process.returncode is None, "clamd does not start"
                    await asyncio.sleep(0.1)
        yield scanner
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture(params=CLAMDS)
async def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ClamdScanner]:
    start = fake_clamd if request.param == "fake" else real_clamd
    async with start(tmp_path) as scanner:
        yield scanner
