"""Temporary files: an upload is written to disk completely before it is processed."""

import asyncio
import errno
import hashlib
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from filekit.errors import DiskFull
from servicekit.problems import BodyTooLarge

BLOCK = 256 * 1024
"""Block size in bytes for hashing, writing and reading."""


@contextmanager
def temporary_file() -> Iterator[BinaryIO]:
    """Return an empty unnamed file, which is deleted when it is closed or the process exits."""
    with tempfile.TemporaryFile(prefix="zhuxue-") as file:
        yield cast(BinaryIO, file)


@contextmanager
def writing() -> Iterator[None]:
    """Raise `DiskFull` where the system has no space left."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull from error
        raise


@dataclass(frozen=True)
class SpooledFile:
    """A completely received file, at position 0. The context closes and deletes it."""

    file: BinaryIO
    size: int
    sha256: bytes


@asynccontextmanager
async def spooled(
    chunks: AsyncIterable[bytes], *, limit: int, inspect: Callable[[bytes], object] | None = None
) -> AsyncIterator[SpooledFile]:
    """Receive `chunks` into a temporary file. Raises `DiskFull`, and `BodyTooLarge` at the first byte over
    `limit`.

    `inspect` is called in a thread with every block in order, and raises to reject the file.
    """
    with temporary_file() as file:
        sink = _Sink(file, inspect)
        waiting: list[bytes] = []
        size = held = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge
            waiting.append(chunk)
            held += len(chunk)
            if held >= BLOCK:
                await asyncio.to_thread(sink.write, waiting)
                waiting, held = [], 0
        if waiting:
            await asyncio.to_thread(sink.write, waiting)
        with writing():
            file.seek(0)
        yield SpooledFile(file, size, sink.digest.digest())


class _Sink:
    def __init__(self, file: BinaryIO, inspect: Callable[[bytes], object] | None) -> None:
        self._file = file
        self._inspect = inspect
        self.digest = hashlib.sha256()

    def write(self, chunks: list[bytes]) -> None:
        for chunk in chunks:
            if self._inspect is not None:
                self._inspect(chunk)
            self.digest.update(chunk)
            with writing():
                self._file.write(chunk)


async def blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield the content of a file from its start, in blocks."""
    file.seek(0)
    while block := await asyncio.to_thread(file.read, BLOCK):
        yield block
