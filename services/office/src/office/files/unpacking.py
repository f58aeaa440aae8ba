"""How large a packed document is when it is unpacked: an archive of some kilobytes can hold terabytes."""

import lzma
import zipfile
import zlib
from typing import BinaryIO

from filekit.spool import BLOCK
from office.files.errors import UnpackedTooLarge

_DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError),
    *(NotImplementedError, RuntimeError, OSError, EOFError, ValueError),
)


def check(file: BinaryIO, limit: int) -> None:
    """Unpack a ZIP archive, without keeping it, up to `limit` bytes. Call it in a thread.

    What the directory says is not believed. Raises `UnpackedTooLarge`, also for a damaged archive.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > limit:
                raise UnpackedTooLarge
            for entry in entries:
                with archive.open(entry) as part:
                    while block := part.read(BLOCK):
                        limit -= len(block)
                        if limit < 0:
                            raise UnpackedTooLarge
    except _DAMAGED as error:
        raise UnpackedTooLarge from error
    finally:
        file.seek(0)
