"""One suite for both daemons; a scan that is no clear answer refuses the file."""

import asyncio
import io
from pathlib import Path

import pytest

from filekit.errors import FileInfected, ScanLimitExceeded, ScannerUnavailable
from filekit.scan import ClamdScanner, NullScanner, scanner_of

from .conftest import EICAR, STREAM_LIMIT


async def test_the_test_virus_is_found_and_other_files_pass(clamd: ClamdScanner) -> None:
    await clamd.check()
    for clean in (b"", b"a letter", b"x" * (STREAM_LIMIT - 1), EICAR[:-1]):
        await clamd.scan(io.BytesIO(clean))
    with pytest.raises(FileInfected):
        await clamd.scan(io.BytesIO(EICAR))


async def test_the_file_is_read_from_its_start(clamd: ClamdScanner) -> None:
    file = io.BytesIO(EICAR)
    file.seek(20)
    with pytest.raises(FileInfected):
        await clamd.scan(file)


async def test_a_file_over_the_daemons_limit_is_refused(clamd: ClamdScanner) -> None:
    with pytest.raises(ScanLimitExceeded):
        await clamd.scan(io.BytesIO(b"x" * (8 * STREAM_LIMIT)))


async def test_scans_run_at_the_same_time(clamd: ClamdScanner) -> None:
    files = [EICAR if n % 3 == 0 else b"clean" for n in range(12)]
    found = await asyncio.gather(*(clamd.scan(io.BytesIO(f)) for f in files), return_exceptions=True)
    assert [isinstance(result, FileInfected) for result in found] == [f == EICAR for f in files]


@pytest.mark.parametrize(
    "answer", [b"", b"stream: OK", b"stream: lstat() failed. ERROR\0", b"OK\0", b"x" * 10_000]
)
async def test_whatever_is_no_clear_answer_refuses_the_file(tmp_path: Path, answer: bytes) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\0")
        writer.write(answer)
        writer.close()

    path = str(tmp_path / "socket")
    async with await asyncio.start_unix_server(converse, path):
        scanner = ClamdScanner(path=path)
        with pytest.raises(ScannerUnavailable):
            await scanner.scan(io.BytesIO(b"letter"))
        with pytest.raises(ScannerUnavailable):
            await scanner.check()


async def test_a_daemon_that_is_silent_or_absent_refuses_the_file(tmp_path: Path) -> None:
    silent = asyncio.Event()

    async def converse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    path = str(tmp_path / "socket")
    async with await asyncio.start_unix_server(converse, path):
        with pytest.raises(ScannerUnavailable):
            await ClamdScanner(path=path, seconds=0.05).scan(io.BytesIO(b"letter"))
        silent.set()
    with pytest.raises(ScannerUnavailable):
        await ClamdScanner(path=str(tmp_path / "nothing")).scan(io.BytesIO(b"letter"))
    with pytest.raises(ScannerUnavailable):
        await ClamdScanner(host="127.0.0.1", port=1).check()


async def test_a_setting_names_the_scanner() -> None:
    null = scanner_of(None)
    assert isinstance(null, NullScanner)
    await null.scan(io.BytesIO(EICAR))
    await null.check()
    for url in ("tcp://clamav:3310", "tcp://clamav", "unix:///run/clamav/clamd.ctl"):
        assert isinstance(scanner_of(url), ClamdScanner)
    for url in ("", "http://clamav", "tcp://", "unix://"):
        with pytest.raises(ValueError, match="scanner"):
            scanner_of(url)
