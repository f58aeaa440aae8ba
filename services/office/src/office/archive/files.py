"""The files of an archived year: a gzipped CSV file for each table, and a list of them with their digests."""

import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from office.archive.errors import ArchiveRefused

_CHUNK: Final = 1024 * 1024


class TableFile:
    """A file that is being written."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.open(path, "wb", compresslevel=6)  # noqa: SIM115 - closed by `close`
        self._digest = hashlib.sha256()

    async def write(self, data: bytes) -> None:
        """Append CSV."""
        self._digest.update(data)
        self._file.write(data)

    def close(self) -> str:
        """Close the file; return the SHA-256 of its CSV."""
        self._file.close()
        return self._digest.hexdigest()


def table_path(folder: Path, table: str, year: int) -> Path:
    """Return the path of a table's file."""
    return folder / f"{table}-{year}.csv.gz"


def content_path(folder: Path, year: int, digest: bytes) -> Path:
    """Return the path of the content of a file, by its SHA-256."""
    name = digest.hex()
    return folder / f"contents-{year}" / name[:2] / name


def write_list(
    folder: Path, year: int, tables: dict[str, dict[str, Any]], attached: dict[str, dict[str, Any]]
) -> str:
    """Write the list of the files, those of tables and of what is attached to answers; return its SHA-256."""
    text = json.dumps({"year": year, "tables": tables, "attached": attached}, indent=1, sort_keys=True)
    _list_path(folder, year).write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()


class Listed(NamedTuple):
    """What a list names: partitions, and tables of what is attached to answers."""

    tables: dict[str, dict[str, Any]]
    attached: dict[str, dict[str, Any]]


def read_list(folder: Path, year: int, digest: str) -> Listed:
    """Return what the list names. Raises `ArchiveRefused` if it is not the one with this SHA-256."""
    try:
        text = _list_path(folder, year).read_text()
    except OSError as error:
        raise ArchiveRefused(f"no archive of {year} in {folder}") from error
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise ArchiveRefused(f"{_list_path(folder, year)} is not the list that was written")
    listed = json.loads(text)
    return Listed(listed["tables"], listed.get("attached", {}))


def verify(path: Path, digest: str) -> None:
    """Read the whole file. Raises `ArchiveRefused` if its CSV does not have this SHA-256."""
    found = hashlib.sha256()
    try:
        with gzip.open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
    except (OSError, EOFError) as error:
        raise ArchiveRefused(f"{path} cannot be read: {error}") from error
    if found.hexdigest() != digest:
        raise ArchiveRefused(f"{path} has changed since it was written")


async def chunks(path: Path) -> AsyncIterator[bytes]:
    """Return the CSV of a file, in chunks."""
    with gzip.open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _list_path(folder: Path, year: int) -> Path:
    return folder / f"receipts-{year}.json"
