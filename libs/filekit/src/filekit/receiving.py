"""Receiving an upload: size limit, type detection, virus scan."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from filekit import sniff
from filekit.scan import Scanner
from filekit.spool import SpooledFile, spooled


@dataclass(frozen=True)
class ReceivedFile(SpooledFile):
    """A file that was received, identified and scanned."""

    media_type: str


@asynccontextmanager
async def received(
    chunks: AsyncIterable[bytes], *, limit: int, accepted: Collection[str], scanner: Scanner
) -> AsyncIterator[ReceivedFile]:
    """Receive a file of at most `limit` bytes whose content is of one of the `accepted` media types.

    Raises `BodyTooLarge`, `UnsupportedFileType`, `FileInfected`, `ScanLimitExceeded`, `ScannerUnavailable`.
    """
    async with spooled(chunks, limit=limit) as upload:
        media_type = await asyncio.to_thread(sniff.require, upload.file, accepted)
        await scanner.scan(upload.file)
        upload.file.seek(0)
        yield ReceivedFile(upload.file, upload.size, upload.sha256, media_type)
