"""Uploads are received in bounded memory into files that leave nothing behind."""

import hashlib
import tempfile
import threading
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from filekit.errors import FileInfected, UnsupportedFileType
from filekit.receiving import received
from filekit.scan import ClamdScanner, NullScanner
from filekit.sniff import TEXT
from filekit.spool import BLOCK, blocks, spooled, temporary_file
from servicekit.problems import BodyTooLarge

from .conftest import EICAR

MIB = 1024 * 1024


async def pieces(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.mark.parametrize("size", [0, 1, 9_999, BLOCK, 3 * BLOCK + 1])
async def test_a_file_is_received_as_it_was_sent(size: int) -> None:
    content = bytes(n % 251 for n in range(size))
    async with spooled(pieces(content), limit=size) as upload:
        assert upload.file.read() == content
        assert (upload.size, upload.sha256) == (size, hashlib.sha256(content).digest())
        assert b"".join([block async for block in blocks(upload.file)]) == content


async def test_the_first_byte_over_the_limit_ends_the_upload() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b"x" * 1000

    with pytest.raises(BodyTooLarge):
        async with spooled(endless(), limit=2_500):
            raise AssertionError
    assert sent == 3_000


async def test_no_file_is_left_whatever_happens(temporary_folder: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * MIB
        raise ConnectionError

    def refuse(_: bytes) -> None:
        raise UnsupportedFileType

    async with spooled(pieces(b"x" * MIB), limit=MIB):
        assert files_in(temporary_folder) == []
    with pytest.raises(ConnectionError):
        async with spooled(broken(), limit=2 * MIB):
            raise AssertionError
    with pytest.raises(UnsupportedFileType):
        async with spooled(pieces(b"x"), limit=MIB, inspect=refuse):
            raise AssertionError
    with temporary_file() as file:
        file.write(b"x" * MIB)
    assert file.closed
    assert files_in(temporary_folder) == []


async def test_every_byte_is_inspected_in_order_beside_the_event_loop() -> None:
    content = bytes(n % 251 for n in range(700_000))
    seen: list[bytes] = []
    threads: set[int] = set()

    def inspect(block: bytes) -> None:
        seen.append(block)
        threads.add(threading.get_ident())

    async with spooled(pieces(content), limit=MIB, inspect=inspect):
        assert b"".join(seen) == content
        assert threading.get_ident() not in threads


async def test_memory_does_not_grow_with_the_file() -> None:
    async def large() -> AsyncIterator[bytes]:
        for _ in range(1024):
            yield bytes(64 * 1024)

    tracemalloc.start()
    async with spooled(large(), limit=64 * MIB) as upload:
        async for _ in blocks(upload.file):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MIB


async def test_a_received_file_is_of_an_accepted_type_and_scanned(clamd: ClamdScanner) -> None:
    letter = "关于做好资助工作的通知".encode()
    async with received(pieces(letter), limit=MIB, accepted={TEXT}, scanner=clamd) as file:
        assert (file.file.read(), file.size, file.media_type) == (letter, len(letter), TEXT)
    with pytest.raises(UnsupportedFileType):
        async with received(pieces(b"\x7fELF"), limit=MIB, accepted={TEXT}, scanner=NullScanner()):
            raise AssertionError
    with pytest.raises(FileInfected):
        async with received(pieces(EICAR), limit=MIB, accepted={TEXT}, scanner=clamd):
            raise AssertionError
