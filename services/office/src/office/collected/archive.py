"""Names in the ZIP archive of collected files, and its writer."""

import asyncio
import re
import zipfile
from collections.abc import AsyncIterator
from typing import BinaryIO, Final

from office.collected.repository import SubmittedFile

# What Windows does not allow in names, and what would lead out of the folder.
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
_MAX_FOLDER: Final = 80
_MAX_FIELD: Final = 40
MISSING: Final = "缺失的文件.txt"


class Archive:
    """An archive in which each unit has a folder."""

    def __init__(self, file: BinaryIO, labels: dict[str, str]) -> None:
        """`labels`: names of the fields by their keys."""
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._labels = labels
        self._folder = ""
        self._used: set[str] = set()
        self._missing: list[str] = []

    def name_of(self, one: SubmittedFile) -> str:
        """Return the path of a file in the archive, different from all before; units come one by one."""
        unit = str(one.unit_id) if one.unit is None else f"{one.unit.code} {one.unit.name}"
        folder = cleaned(unit, _MAX_FOLDER)
        if folder != self._folder:
            self._folder, self._used = folder, set()
        label = cleaned(self._labels.get(one.field, one.field), _MAX_FIELD)
        stem, _, extension = cleaned(one.file.name, len(one.file.name)).rpartition(".")
        name, number = f"{folder}/{label}-{stem}.{extension}", 1
        while name.lower() in self._used:
            number += 1
            name = f"{folder}/{label}-{stem}({number}).{extension}"
        self._used.add(name.lower())
        return name

    async def add(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Write a file."""
        with self._archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as part:
            async for chunk in chunks:
                await asyncio.to_thread(part.write, chunk)

    def miss(self, name: str) -> None:
        """Note a file whose content is lost."""
        self._missing.append(name)

    def close(self) -> None:
        """Complete the archive. Blocks: call it in a thread."""
        if self._missing:
            self._archive.writestr(MISSING, "\r\n".join(self._missing))
        self._archive.close()


def cleaned(text: str, most: int) -> str:
    """Return a text as part of a path."""
    return _FORBIDDEN.sub("_", text)[:most].strip(" .") or "_"
