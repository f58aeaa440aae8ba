"""Content-addressed storage: the key of a file is the SHA-256 of its content.

Equal files are stored once, and `put` is idempotent. The service tracks references to a file: it deletes the
file with the last reference, or calls `sweep` to delete unreferenced files. obstore accesses a local folder
or S3.
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
"""Size of the parts of an upload; the minimum for S3."""
_PARTS_AT_ONCE = 2
_PAGE = 1000
_RENEW = timedelta(hours=1)
MIN_SWEEP_AGE = timedelta(hours=2)
"""Minimum age for deletion: the transaction that refers to a newer file may not have committed yet."""

StillUsed = Callable[[Collection[bytes]], Awaitable[Collection[bytes]]]
"""Returns the digests among those given that are still referenced."""


@dataclass(frozen=True)
class StoredFile:
    """A stored file, which can be read once."""

    size: int
    chunks: AsyncIterator[bytes]


class FileStore:
    """Stores and reads files by digest."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, spooled: SpooledFile) -> bytes:
        """Store a file if it is missing, atomically; return its digest."""
        path = _path(spooled.sha256)
        try:
            found = await obstore.head_async(self._store, path)
        except FileNotFoundError:
            pass
        else:
            # An old file is written again, because a concurrent sweep may be about to delete it.
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

        Reading raises `FileCorrupt` at the end if the content does not match the digest.
        """
        found = await obstore.get_async(self._store, _path(digest))
        return StoredFile(found.meta["size"], _verified(found, digest))

    async def part(self, digest: bytes, first: int, end: int) -> StoredFile:
        """Open the bytes from `first` up to `end`, which is not part of it. Raises `FileNotFoundError`.

        A part cannot be compared with the digest; both positions must lie within the file.
        """
        found = await obstore.get_async(self._store, _path(digest), options={"range": (first, end)})
        return StoredFile(end - first, _plain(found))

    async def exists(self, digest: bytes) -> bool:
        """Return whether the file is stored."""
        try:
            await obstore.head_async(self._store, _path(digest))
        except FileNotFoundError:
            return False
        return True

    async def delete(self, digest: bytes) -> None:
        """Delete a file if it exists."""
        try:
            await obstore.delete_async(self._store, _path(digest))
        except FileNotFoundError:
            return

    async def sweep(self, still_used: StillUsed, older_than: timedelta = MIN_SWEEP_AGE) -> int:
        """Delete unreferenced files; return the number of deleted files.

        A file is stored before the transaction that refers to it commits, so a failed transaction leaves an
        unreferenced file. `older_than` must exceed the time between the two; `MIN_SWEEP_AGE` suits requests.
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
                # Check again: the file may have been stored again in the meantime.
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
    """Return the store for a setting: `file:///folder` (created if missing) or `s3://bucket/prefix`.

    `options` are obstore's S3 options, e.g. `endpoint`, `region`, `access_key_id`, `secret_access_key`.
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


async def _plain(found: "obstore.GetResult") -> AsyncIterator[bytes]:
    async for chunk in found.stream(min_chunk_size=BLOCK):
        yield bytes(chunk)


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
