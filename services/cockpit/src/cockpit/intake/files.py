"""An uploaded CSV file: stored on disk until it is complete, then read a few thousand rows at a time.

Validation starts after the file is complete, so a broken connection leaves no data behind.
"""

import codecs
from collections.abc import AsyncIterable, AsyncIterator, Collection
from contextlib import asynccontextmanager

from cockpit.intake.errors import BadEncoding, UnsupportedMedia, WrongColumns
from cockpit.intake.feeds import Feed
from cockpit.intake.lines import Lines, NumberedLine, fields_of
from cockpit.intake.personal import mask
from cockpit.intake.rules import RowError
from filekit.errors import EmptyFile, MalformedCsv
from filekit.spool import SpooledFile, spooled

MAX_RAW_FIELD = 200
MAX_RAW_FIELDS = 64
MAX_COLUMNS = 1_000
_CODECS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}


def codec_of(content_type: str | None, content_encoding: str | None) -> str:
    """Return Python's codec for the headers of an upload. Raises `UnsupportedMedia`."""
    kind, *parameters = (content_type or "").lower().split(";")
    charsets = {_charset(parameter) for parameter in parameters if parameter.strip().startswith("charset")}
    codec = _CODECS.get(charsets.pop() if charsets else "utf-8")
    # Two different charsets are declared.
    if kind.strip() != "text/csv" or codec is None or charsets:
        raise UnsupportedMedia
    if (content_encoding or "identity") != "identity":
        raise UnsupportedMedia
    return codec


def _charset(parameter: str) -> str:
    """Return the value of `charset=...`; unsupported for extended parameters (RFC 8187, `charset*=...`)."""
    name, _, value = parameter.partition("=")
    return value.strip().strip('"') if name.strip() == "charset" else ""


@asynccontextmanager
async def received(chunks: AsyncIterable[bytes], codec: str, limit: int) -> AsyncIterator[SpooledFile]:
    """Receive a file. Raises `BadEncoding`, `EmptyFile`, `BodyTooLarge`."""
    decoder = codecs.getincrementaldecoder(codec)()

    def decode(block: bytes, final: bool = False) -> None:
        try:
            decoder.decode(block, final)
        except UnicodeDecodeError as error:
            raise BadEncoding from error

    async with spooled(chunks, limit=limit, inspect=decode) as upload:
        decode(b"", final=True)
        if upload.size == 0:
            raise EmptyFile
        yield upload


class RowReader:
    """Read an upload's rows in steps of bounded work, for any content.

    `headings` is the file's first row, `names` the feed's columns in that order. Both are set, and at least
    one row exists, once `opened` is true. Every method blocks: call it in a thread.
    """

    def __init__(self, upload: SpooledFile, codec: str, feed: Feed) -> None:
        self._lines = Lines(upload.file, codec)
        self._feed = feed
        self._first: list[NumberedLine] = []
        self._opened = False
        self.headings: list[str] = []
        self.names: list[str] = []

    @property
    def opened(self) -> bool:
        """Return whether the heading and the first row have been read."""
        return self._opened

    @property
    def ended(self) -> bool:
        """Return whether all rows have been read."""
        return self._lines.ended and not self._first

    @property
    def rows(self) -> int:
        """Return the number of rows read so far: lines that are not blank, without the heading."""
        return self._lines.found - 1

    def open(self) -> None:
        """Take one step to read heading and first row. Raises `EmptyFile`, `WrongColumns`, `MalformedCsv`."""
        rows = self._lines.step()
        if rows and not self.names:
            try:
                self.headings, self.names = self._heading(fields_of(rows.pop(0).text))
            except RowError as error:
                raise MalformedCsv(f"标题行不是有效的 CSV：{error.reason}。") from error
        self._first += rows
        self._opened = bool(self._first)
        if self._lines.ended and not self._first:
            raise EmptyFile

    def take(self) -> list[NumberedLine]:
        """Return the lines of one step. May be empty before the end."""
        if self._first:
            rows, self._first = self._first, []
            return rows
        return self._lines.step()

    def _heading(self, fields: list[str]) -> tuple[list[str], list[str]]:
        feed = self._feed
        headings = [heading.strip() for heading in fields[:MAX_COLUMNS]]
        # Excel writes the columns that once had something.
        while headings and not headings[-1]:
            headings.pop()
        names = [feed.name_of(heading) for heading in headings]
        problems = [
            *((c.name, f"缺少列“{c.chinese}”（{c.name}）") for c in feed.columns if c.name not in names),
            *(
                (heading[:64], f"未知的列“{heading[:64]}”")
                for heading, name in zip(headings, names, strict=True)
                if name is None
            ),
            *(
                (name, f"列“{name}”重复")
                for name in dict.fromkeys(n for n in names if n is not None)
                if names.count(name) > 1
            ),
        ]
        if problems:
            raise WrongColumns.of(problems[:100])
        return headings, [name for name in names if name is not None]


def raw_of(fields: list[str], valid: Collection[int]) -> list[str]:
    """Prepare a row's fields for quarantine: personal numbers masked, truncated, NUL removed for PostgreSQL.

    Fields that are not `valid`, by place, are masked widely: nobody knows what they hold.
    """
    return [
        mask(field.replace("\x00", "\ufffd"), widely=at not in valid)[:MAX_RAW_FIELD]
        for at, field in enumerate(fields[:MAX_RAW_FIELDS])
    ]
