"""Detection of media types from content, because the sender controls file names and `Content-Type`.

puremagic detects signatures. This module examines ZIP archives, because a signature alone cannot distinguish
an Office document from another archive. Both functions read the file: call them in a thread.
"""

import codecs
import lzma
import struct
import zipfile
import zlib
from collections.abc import Collection
from typing import BinaryIO

import puremagic

from filekit.errors import EncryptedWorkbook, MacroWorkbook, OldWorkbook, UnsupportedFileType

UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
PDF = "application/pdf"
PNG = "image/png"
JPEG = "image/jpeg"
GIF = "image/gif"
ZIP = "application/zip"
OFD = "application/ofd"
"""GB/T 33190-2016, the national format for fixed-layout documents (OFD)."""
OLE = "application/x-ole-storage"
"""OLE containers: legacy Office documents (.doc, .xls, .ppt) and others."""
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

DOCUMENTS = frozenset({PDF, OFD, DOCX, XLSX, PPTX, TEXT, PNG, JPEG, GIF})
"""Types accepted as attachments of notices and letters."""

MAX_ENTRIES = 10_000
_MAX_DIRECTORY = 4 * 1024 * 1024
_MAX_CONTENT_TYPES = 1024 * 1024
_SAMPLE = 64 * 1024
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 65_535

# The main part of each kind of document (ECMA-376-1 §11.3.10, §12.3.23, §13.3.6), and its content type.
_OFFICE = {
    DOCX: ("word/document.xml", f"{DOCX}.main+xml"),
    XLSX: ("xl/workbook.xml", f"{XLSX}.main+xml"),
    PPTX: ("ppt/presentation.xml", f"{PPTX}.main+xml"),
}
DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError),
    *(NotImplementedError, RuntimeError, OSError, EOFError, ValueError),
)
# Text-based formats that are not plain text.
_TEXTUAL = frozenset({PDF, "text/html", "image/svg+xml", "application/rtf", "application/xml", "text/xml"})
# The name of a stream in the container of an encrypted document (MS-OFFCRYPTO §1.3).
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_CONTROL = frozenset(chr(code) for code in range(32)) - frozenset("\t\n\r\f") | {"\x7f"}


def media_type(file: BinaryIO) -> str:
    """Return the media type of a file's content; `UNKNOWN` if it cannot be determined with certainty."""
    file.seek(0)
    head = file.read(_SAMPLE)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip_type(file)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return OLE
    file.seek(0)
    try:
        # puremagic reads only the start and the end of a stream.
        best = puremagic.magic_stream(file)[0].mime_type if head else ""
    except puremagic.PureError:
        best = ""
    if _is_text(head):
        return best if best in _TEXTUAL else TEXT
    return best or UNKNOWN


def require(file: BinaryIO, accepted: Collection[str]) -> str:
    """Return the media type if it is in `accepted`, else raise `UnsupportedFileType`.

    Where Excel workbooks are accepted, others have errors of their own: `OldWorkbook`, `EncryptedWorkbook`,
    `MacroWorkbook`.
    """
    found = media_type(file)
    if found in accepted:
        return found
    if XLSX in accepted and found == OLE:
        raise EncryptedWorkbook if _contains(file, _ENCRYPTED) else OldWorkbook
    if XLSX in accepted and found == UNKNOWN and _has_macros(file):
        raise MacroWorkbook
    raise UnsupportedFileType


def _is_text(head: bytes) -> bool:
    for name in ("utf-8", "gb18030"):
        try:
            text = codecs.getincrementaldecoder(name)().decode(head)
        except UnicodeDecodeError:
            continue
        return _CONTROL.isdisjoint(text)
    return False


def _zip_type(file: BinaryIO) -> str:
    """Return an Office type only if the archive passes all checks that are possible without unpacking it."""
    if not directory_is_small(file):
        return UNKNOWN
    try:
        with zipfile.ZipFile(file) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            # Duplicate names, and names that readers interpret differently.
            if len(entries) != len(archive.infolist()) or any(map(_is_odd, entries)):
                return UNKNOWN
            if any(entry.flag_bits & 0x1 for entry in entries.values()):
                return UNKNOWN  # encrypted: cannot be examined
            if "OFD.xml" in entries:
                return OFD
            if "[Content_Types].xml" in entries:
                return _office_type(archive, entries)
    except DAMAGED:
        return UNKNOWN
    return ZIP


def _office_type(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> str:
    if any(name.lower().endswith("vbaproject.bin") for name in entries):
        return UNKNOWN  # macros
    with archive.open("[Content_Types].xml") as part:
        declared = part.read(_MAX_CONTENT_TYPES + 1)
    if len(declared) > _MAX_CONTENT_TYPES or b"macroEnabled" in declared:
        return UNKNOWN
    kinds = [
        kind
        for kind, (main, content_type) in _OFFICE.items()
        if main in entries and f'"{content_type}"'.encode() in declared
    ]
    return kinds[0] if len(kinds) == 1 else UNKNOWN


def _is_odd(name: str) -> bool:
    return name.startswith("/") or "\\" in name or "\x00" in name or ".." in name.split("/")


def directory_is_small(file: BinaryIO) -> bool:
    """Return whether the archive's directory is small and the only one.

    `zipfile` reads the whole directory into memory, without a limit on the number of entries.
    """
    size = file.seek(0, 2)
    start = max(0, size - _END_OF_DIRECTORY.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END_OF_DIRECTORY.size:
        return False
    _, disk, first_disk, here, entries, length, offset, comment = _END_OF_DIRECTORY.unpack_from(tail, at)
    return bool(
        disk == first_disk == 0
        and here == entries <= MAX_ENTRIES
        and length <= _MAX_DIRECTORY
        # The directory ends where its record begins, and the record ends the file, so there is no data before
        # the archive, between its parts or after it. (ZIP64 has other values here and is not accepted.)
        and offset + length == start + at
        and start + at + _END_OF_DIRECTORY.size + comment == size
    )


def _contains(file: BinaryIO, sought: bytes) -> bool:
    file.seek(0)
    before = b""
    while block := file.read(_SAMPLE):
        if sought in before + block:
            return True
        before = block[-len(sought) :]
    return False


def _has_macros(file: BinaryIO) -> bool:
    """Return whether a suspicious archive says that it has macros."""
    if not directory_is_small(file):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.lower().endswith("vbaproject.bin") for name in archive.namelist())
    except DAMAGED:
        return False
