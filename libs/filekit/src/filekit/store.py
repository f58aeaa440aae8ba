"""Content-addressed storage: a file's name is the SHA-256 of its content.

Equal files are stored once and putting one twice changes nothing. Who refers to a file, and when the last
reference is gone, only the service knows that stores it: it deletes, or has `sweep` find what nothing refers
to. obstore does the work, for a local folder as for S3.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from filekit.errors import FileCorrupt
from filekit.spool import BLOCK, SpooledFile, blocks

_PREFIX = "sha256"
_PART = 5 * 1024 * 1024
"""Parts of an upload; S3 takes none that is smaller."""
_PARTS_AT_ONCE = 2
_PAGE = 1000
_RENEW = timedelta(hours=1)
MIN_SWEEP_AGE = timedelta(hours=2)
"""A younger file may be waiting for the transaction that refers to it."""

StillUsed = Callable[[Collection[bytes]], Awaitable[Collection[bytes]]]
"""Of some digests those that something refers to."""


@dataclass(frozen=True)
class StoredFile:
    """A file in the store, to be read once."""

    size: int
    chunks: AsyncIterator[bytes]


class FileStore:
    """Stores and reads files by digest."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, spooled: SpooledFile) -> bytes:
        """Store a file unless it is there; returns its digest. Atomic: never visible in part."""
        path = _path(spooled.sha256)
        try:
            found = await obstore.head_async(self._store, path)
        except FileNotFoundError:
            pass
        else:
            # Written again when it is old: a sweep that is running might be about to delete it.
            if datetime.now(UTC) - found["last_modified"] < _RENEW:
                return spooled.sha256
        await obstore.put_async(
            self._store,
            path,
            blocks(spooled.file),
            chunk_size=_PART,
            max_concurrency=_PARTS_AT_ONCE,
        )
        return spooled.sha256

    async def get(self, digest: bytes) -> StoredFile:
        """Open a file. Raises `FileNotFoundError`.

        Reading raises `FileCorrupt` at the end of a file whose content has changed.
        """
        found = await obstore.get_async(self._store, _path(digest))
        return StoredFile(found.meta["size"], _verified(found, digest))

    async def exists(self, digest: bytes) -> bool:
        """Whether the file is stored."""
        try:
            await obstore.head_async(self._store, _path(digest))
        except FileNotFoundError:
            return False
        return True

    async def delete(self, digest: bytes) -> None:
        """Delete a file; no error if it is not there."""
        try:
            await obstore.delete_async(self._store, _path(digest))
        except FileNotFoundError:
            return

    async def sweep(self, still_used: StillUsed, older_than: timedelta = MIN_SWEEP_AGE) -> int:
        """Delete files that nothing refers to; returns how many.

        A file is stored before the transaction that refers to it commits, so a failed transaction leaves one
        behind. `older_than` has to exceed the time between the two; for requests `MIN_SWEEP_AGE` does.
        """
        before = datetime.now(UTC) - older_than
        deleted = 0
        async for page in obstore.list(self._store, _PREFIX, chunk_size=_PAGE):
            old = {
                digest
                for entry in page
                if entry["last_modified"] <= before and (digest := _digest(entry["path"])) is not None
            }
            if not old:
                continue
            for digest in old.difference(await still_used(old)):
                # Once more: it may have been put again meanwhile.
                if await self._is_older(digest, before):
                    await self.delete(digest)
                    deleted += 1
        return deleted

    async def _is_older(self, digest: bytes, before: datetime) -> bool:
        try:
            found = await obstore.head_async(self._store, _path(digest))
        except FileNotFoundError:
            return False
        return found["last_modified"] <= before


def store_of(url: str, **options: str) -> FileStore:
    """The store that a setting names: `file:///folder` (made if it is not there) or `s3://bucket/prefix`.

    `options` are those of obstore for S3, e.g. `endpoint`, `region`, `access_key_id`, `secret_access_key`.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FileStore(LocalStore(Path(parts.path), mkdir=True))
    if parts.scheme == "s3":
        return FileStore(from_url(url, config=options))  # type: ignore[call-overload]
    raise ValueError("a store is file:///folder or s3://bucket/prefix")


async def _verified(found: "obstore.GetResult", digest: bytes) -> AsyncIterator[bytes]:
    seen = hashlib.sha256()
    async for chunk in found.stream(min_chunk_size=BLOCK):
        block = bytes(chunk)
        seen.update(block)
        yield block
    if seen.digest() != digest:
        raise FileCorrupt(digest.hex())


def _path(digest: bytes) -> str:
    name = digest.hex()
    return f"{_PREFIX}/{name[:2]}/{name[2:4]}/{name}"


def _digest(path: str) -> bytes | None:
    name = path.rpartition("/")[2]
    try:
        digest = bytes.fromhex(name)
    except ValueError:
        return None
    return digest if _path(digest) == path and len(digest) == hashlib.sha256().digest_size else None
