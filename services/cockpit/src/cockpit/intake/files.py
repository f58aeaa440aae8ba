"""An uploaded CSV file: kept on disk while it comes in, then read a few thousand rows at a time.

Nothing is judged before the whole file is here, so a connection that breaks leaves nothing behind.
"""

import codecs
import csv
import hashlib
import io
import tempfile
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from cockpit.intake.errors import BadEncoding, EmptyFile, MalformedCsv, UnsupportedMedia, WrongColumns
from cockpit.intake.feeds import Feed
from cockpit.intake.rules import mask_id_numbers
from servicekit.problems import BodyTooLarge

MAX_RAW_FIELD = 200
MAX_RAW_FIELDS = 64

_CODECS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}


def codec_of(content_type: str | None, content_encoding: str | None) -> str:
    """Python's codec for an upload's headers. Raises `UnsupportedMedia`."""
    kind, *parameters = (content_type or "").lower().split(";")
    charsets = {_charset(parameter) for parameter in parameters if parameter.strip().startswith("charset")}
    codec = _CODECS.get(charsets.pop() if charsets else "utf-8")
    # Two charsets contradict each other.
    if kind.strip() != "text/csv" or codec is None or charsets:
        raise UnsupportedMedia
    if (content_encoding or "identity") != "identity":
        raise UnsupportedMedia
    return codec


def _charset(parameter: str) -> str:
    """The value of `charset=...`; none of ours for the extended forms (RFC 8187, `charset*=...`)."""
    name, _, value = parameter.partition("=")
    return value.strip().strip('"') if name.strip() == "charset" else ""


@contextmanager
def spool() -> Iterator[IO[bytes]]:
    """A file on disk without a name, gone when closed."""
    with tempfile.TemporaryFile(prefix="zhuxue-intake-") as file:
        yield file


@dataclass(frozen=True)
class Upload:
    """A file that has come in whole."""

    file: IO[bytes]
    codec: str
    size: int
    sha256: bytes


async def receive(chunks: AsyncIterable[bytes], file: IO[bytes], codec: str, limit: int) -> Upload:
    """Write `chunks` to `file`. Raises `BadEncoding`, `EmptyFile`, `BodyTooLarge`."""
    decoder = codecs.getincrementaldecoder(codec)()
    digest = hashlib.sha256()
    size = 0
    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge
            decoder.decode(chunk)
            digest.update(chunk)
            file.write(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise BadEncoding from error
    if size == 0:
        raise EmptyFile
    return Upload(file, codec, size, digest.digest())


class RowReader:
    """Reads an upload's rows. `headings` is its first line, `names` the feed's columns in that order."""

    def __init__(self, upload: Upload, feed: Feed) -> None:
        upload.file.seek(0)
        self._reader = csv.reader(io.TextIOWrapper(upload.file, encoding=upload.codec, newline=""))
        self.headings, self.names = self._heading(feed)
        self._peeked = self._next()
        if self._peeked is None:
            raise EmptyFile

    def take(self, count: int) -> list[tuple[int, list[str]]]:
        """The next rows, at most `count`, each with the number of the line it begins on; empty at the end."""
        rows: list[tuple[int, list[str]]] = []
        while self._peeked is not None and len(rows) < count:
            rows.append(self._peeked)
            self._peeked = self._next()
        return rows

    def _next(self) -> tuple[int, list[str]] | None:
        while True:
            line = self._reader.line_num + 1
            try:
                fields = next(self._reader, None)
            except csv.Error as error:
                raise MalformedCsv(f"第 {line} 行不是有效的 CSV。") from error
            if fields is None:
                return None
            if any(field.strip() for field in fields):
                return line, fields

    def _heading(self, feed: Feed) -> tuple[list[str], list[str]]:
        first = self._next()
        if first is None:
            raise EmptyFile
        headings = [heading.strip() for heading in first[1]]
        names = [feed.name_of(heading) for heading in headings]
        problems = [
            *(
                ("missing", c.name, f"缺少列“{c.chinese}”（{c.name}）")
                for c in feed.columns
                if c.name not in names
            ),
            *(
                ("unknown", heading[:64], f"未知的列“{heading[:64]}”")
                for heading, name in zip(headings, names, strict=True)
                if name is None
            ),
            *(
                ("duplicate", name, f"列“{name}”重复")
                for name in dict.fromkeys(n for n in names if n is not None)
                if names.count(name) > 1
            ),
        ]
        if problems:
            raise WrongColumns.of(problems[:100])
        return headings, [name for name in names if name is not None]


def raw_of(fields: list[str]) -> list[str]:
    """A row's fields as the quarantine keeps them: cut, ID numbers masked, without NUL for PostgreSQL."""
    return [
        mask_id_numbers(field.replace("\x00", "\ufffd"))[:MAX_RAW_FIELD] for field in fields[:MAX_RAW_FIELDS]
    ]
