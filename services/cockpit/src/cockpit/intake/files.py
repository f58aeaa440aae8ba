"""An uploaded file: stored on disk until it is complete, then read some thousand rows at a time.

Validation starts after the file is complete, so a broken connection leaves no data behind.
"""

import codecs
from collections.abc import AsyncIterable, AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from cockpit.feeds.declarations import Feed
from cockpit.feeds.personal import mask
from cockpit.intake.csv_reader import CsvReader
from cockpit.intake.errors import BadEncoding, UnsupportedMedia
from cockpit.intake.json_reader import JsonReader
from cockpit.intake.parquet_reader import ParquetReader
from cockpit.intake.steps import Reader
from cockpit.intake.xlsx_reader import XlsxReader
from cockpit.intake.zip_reader import ZipReader
from contracts.intake import BatchFormat
from filekit import csv_rows, sniff
from filekit.errors import EmptyFile
from filekit.spool import SpooledFile, spooled

MAX_RAW_FIELD = 200
MAX_RAW_FIELDS = 64
PARQUET = "application/vnd.apache.parquet"
MEDIA_TYPES = {
    "text/csv": BatchFormat.CSV,
    sniff.XLSX: BatchFormat.XLSX,
    "application/x-ndjson": BatchFormat.JSONL,
    "application/jsonl": BatchFormat.JSONL,
    PARQUET: BatchFormat.PARQUET,
    sniff.ZIP: BatchFormat.ZIP,
    "application/x-zip-compressed": BatchFormat.ZIP,
}
_ENDINGS = {
    ".csv": BatchFormat.CSV,
    # Reading them says what is wrong with them.
    **dict.fromkeys((".xlsx", ".xls", ".xlsm"), BatchFormat.XLSX),
    **dict.fromkeys((".jsonl", ".ndjson"), BatchFormat.JSONL),
    ".parquet": BatchFormat.PARQUET,
    ".zip": BatchFormat.ZIP,
}
_CODECS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}


@dataclass(frozen=True)
class FileKind:
    """What the sender says about a file. `codec` is Python's; None if the file is no text or does not say."""

    format: BatchFormat
    codec: str | None


def kind_of(content_type: str | None, content_encoding: str | None) -> FileKind:
    """Return the kind of an upload by its headers. Raises `UnsupportedMedia`."""
    media, *parameters = (content_type or "").lower().split(";")
    charsets = {_charset(parameter) for parameter in parameters if parameter.strip().startswith("charset")}
    format_ = MEDIA_TYPES.get(media.strip())
    codec = _CODECS.get(charsets.pop()) if charsets else None
    said = any(parameter.strip().startswith("charset") for parameter in parameters)
    # Two different charsets are declared, one that is not accepted, or one of what is no CSV.
    if format_ is None or charsets or (said and codec is None):
        raise UnsupportedMedia
    if format_ is BatchFormat.JSONL and codec in {None, "utf-8-sig"}:
        codec = "utf-8-sig"
    elif said and format_ is not BatchFormat.CSV:
        raise UnsupportedMedia
    if (content_encoding or "identity") != "identity":
        raise UnsupportedMedia
    return FileKind(format_, codec)


def kind_of_file(name: str, content_type: str | None) -> FileKind:
    """Return the kind of a file in a form, where browsers know few types. Raises `UnsupportedMedia`."""
    if (content_type or "").partition(";")[0].strip().lower() in MEDIA_TYPES:
        return kind_of(content_type, None)
    format_ = _ENDINGS.get(PurePosixPath(name.lower()).suffix)
    if format_ is None:
        raise UnsupportedMedia
    return FileKind(format_, "utf-8-sig" if format_ is BatchFormat.JSONL else None)


def _charset(parameter: str) -> str:
    """Return the value of `charset=...`; unsupported for extended parameters (RFC 8187, `charset*=...`)."""
    name, _, value = parameter.partition("=")
    return value.strip().strip('"') if name.strip() == "charset" else ""


@asynccontextmanager
async def received(chunks: AsyncIterable[bytes], kind: FileKind, limit: int) -> AsyncIterator[SpooledFile]:
    """Receive a file. Raises `BadEncoding`, `EmptyFile`, `BodyTooLarge`."""
    decoder = None if kind.codec is None else codecs.getincrementaldecoder(kind.codec)()

    def decode(block: bytes, final: bool = False) -> None:
        if decoder is None:
            return
        try:
            decoder.decode(block, final)
        except UnicodeDecodeError as error:
            raise BadEncoding from error

    async with spooled(chunks, limit=limit, inspect=decode) as upload:
        decode(b"", final=True)
        if upload.size == 0:
            raise EmptyFile
        yield upload


def reader_of(upload: SpooledFile, kind: FileKind, feed: Feed) -> Reader:
    """Return the reader of a file. Blocks. Raises `UnknownEncoding` and errors of workbooks and archives."""
    if kind.format is BatchFormat.XLSX:
        sniff.require(upload.file, (sniff.XLSX,))
        return XlsxReader(upload.file, feed)
    if kind.format is BatchFormat.PARQUET:
        return ParquetReader(upload.file, feed)
    if kind.format is BatchFormat.JSONL:
        upload.file.seek(0)
        return JsonReader(upload.file, feed)
    if kind.format is BatchFormat.ZIP:
        return ZipReader(upload.file, feed)
    return CsvReader(upload.file, kind.codec or csv_rows.codec_of(upload.file), feed)


def raw_of(fields: list[str], valid: Collection[int]) -> list[str]:
    """Prepare a row's fields for quarantine: personal numbers masked, truncated, NUL removed for PostgreSQL.

    Fields that are not `valid`, by place, are masked widely: nobody knows what they hold.
    """
    return [
        mask(field.replace("\x00", "\ufffd"), widely=at not in valid)[:MAX_RAW_FIELD]
        for at, field in enumerate(fields[:MAX_RAW_FIELDS])
    ]
