"""Temporary files: an upload is complete on disk before anything looks at it."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from servicekit.problems import BodyTooLarge

BLOCK = 256 * 1024
"""What is hashed and written in one step, and the size of the pieces in which files are read."""


@contextmanager
def temporary_file() -> Iterator[BinaryIO]:
    """An empty file without a name: it is gone when it is closed or the process ends."""
    with tempfile.TemporaryFile(prefix="zhuxue-") as file:
        yield cast(BinaryIO, file)


@dataclass(frozen=True)
class SpooledFile:
    """A file that was received completely, at position 0. Closed and deleted by its context."""

    file: BinaryIO
    size: int
    sha256: bytes


@asynccontextmanager
async def spooled(
    chunks: AsyncIterable[bytes], *, limit: int, inspect: Callable[[bytes], object] | None = None
) -> AsyncIterator[SpooledFile]:
    """Receive `chunks` into a temporary file. Raises `BodyTooLarge` at the first byte over `limit`.

    `inspect` sees every block in order and refuses the file by raising; it runs in a thread.
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
            self._file.write(chunk)


async def blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    """The content of a file from its start, a block at a time."""
    file.seek(0)
    while block := await asyncio.to_thread(file.read, BLOCK):
        yield block
