"""The files of the answers of a year: their rows and their contents, in the folder of the archive."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from filekit.spool import BLOCK, blocks, spooled
from filekit.store import FileStore
from office.archive import files
from office.archive.errors import ArchiveRefused
from office.archive.repository import ATTACHED, ArchiveRepository
from servicekit.db import Database

_AT_ONCE: Final = 200
_LARGEST: Final = 1 << 40
"""Files were limited when they were uploaded."""


class Attachments:
    """Writes the files of the answers of a year to a folder, and reads them back."""

    def __init__(self, database: Database, store: FileStore | None) -> None:
        self._database = database
        self._store = store

    async def write(self, year: int, folder: Path) -> dict[str, dict[str, Any]]:
        """Write the rows and the contents; return the rows and the SHA-256 of each table's file.

        A content that is there already is not fetched again. Raises `ArchiveRefused`.
        """
        tables: dict[str, dict[str, Any]] = {}
        for table in ATTACHED:
            path = files.table_path(folder, table, year)
            file = files.TableFile(path)
            async with self._database.transaction() as session:
                rows = await ArchiveRepository(session).write_attached(table, year, file.write)
            written = file.close()
            tables[table] = {"rows": rows, "sha256": written}
            files.verify(path, written)
        async for digest in self._digests(year):
            path = files.content_path(folder, year, digest)
            if not _is_whole(path, digest):
                await self._fetch(path, digest)
        return tables

    async def check(
        self, repository: ArchiveRepository, year: int, folder: Path, tables: dict[str, dict[str, Any]]
    ) -> None:
        """Raise `ArchiveRefused` unless the folder has what the database has."""
        for table in ATTACHED:
            rows = await repository.count_attached(table, year)
            kept = tables.get(table)
            if kept is None and not rows:
                continue
            if kept is None or rows != kept["rows"]:
                archived = 0 if kept is None else kept["rows"]
                raise ArchiveRefused(f"{table} has {rows} rows of {year}, the archive {archived}")
            files.verify(files.table_path(folder, table, year), kept["sha256"])
        async for digest in self._digests(year):
            if not _is_whole(path := files.content_path(folder, year, digest), digest):
                raise ArchiveRefused(f"{path} is missing or has changed")

    async def restore(self, year: int, folder: Path, tables: dict[str, dict[str, Any]]) -> int:
        """Bring back the rows, then the contents; return the number of files. May be repeated.

        The rows come first: the store deletes contents that no row refers to. Raises `ArchiveRefused`.
        """
        for table in ATTACHED:
            if table in tables:
                files.verify(files.table_path(folder, table, year), tables[table]["sha256"])
        async with self._database.transaction() as session:
            for table in ATTACHED:
                if table in tables:
                    path = files.table_path(folder, table, year)
                    await ArchiveRepository(session).read_attached(table, files.chunks(path))
        async for digest in self._digests(year):
            path = files.content_path(folder, year, digest)
            if not _is_whole(path, digest):
                raise ArchiveRefused(f"{path} is missing or has changed")
            with path.open("rb") as file:
                async with spooled(blocks(file), limit=_LARGEST) as content:
                    await self._stored().put(content)
        return int(tables["files"]["rows"]) if "files" in tables else 0

    async def _digests(self, year: int) -> AsyncIterator[bytes]:
        """Return the digests of the contents and previews of the year's files."""
        after: bytes | None = b""
        while after is not None:
            async with self._database.transaction() as session:
                found = await ArchiveRepository(session).digests(year, after, _AT_ONCE)
            for digest in found:
                yield digest
            after = found[-1] if len(found) == _AT_ONCE else None

    async def _fetch(self, path: Path, digest: bytes) -> None:
        try:
            stored = await self._stored().get(digest)
        except FileNotFoundError as error:
            raise ArchiveRefused(f"the store has lost the file {digest.hex()}") from error
        part = path.with_suffix(".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            async for chunk in stored.chunks:
                file.write(chunk)
        part.rename(path)

    def _stored(self) -> FileStore:
        if self._store is None:
            raise ArchiveRefused("answers have files, and no place for files is configured")
        return self._store


def _is_whole(path: Path, digest: bytes) -> bool:
    """Return whether the file is there with its content."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(BLOCK):
                found.update(chunk)
    except OSError:
        return False
    return found.digest() == digest
