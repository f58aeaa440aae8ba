"""Rows of several CSV files of one feed, in a ZIP archive: one batch, whose report names the files.

The rows have one numbering over all files, in the order of the archive: a file begins after the lines of
those before it (`MemberFile.before`).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

from cockpit.feeds.declarations import Feed
from cockpit.intake.csv_reader import CsvReader
from cockpit.intake.errors import MixedEncodings, WrongColumns
from cockpit.intake.members import MemberFile
from cockpit.intake.steps import Step, shown
from filekit import csv_rows
from filekit.archives import DAMAGED, Archive, Member
from filekit.errors import MalformedArchive
from servicekit.problems import FieldError, Problem

MAX_FILES = 1_000
MAX_UNPACKED = 5 * 1024**3
"""Bytes of all files."""
_CSV = re.compile(r"\.(csv|txt)$", re.IGNORECASE)


class ZipReader:
    """Read the files one after the other; all have the same columns, in the same order, and one encoding."""

    def __init__(self, file: BinaryIO, feed: Feed) -> None:
        """Raises the errors of `Archive`."""
        self._feed = feed
        self._archive = Archive(
            file, wanted=lambda name: bool(_CSV.search(name)), most=MAX_FILES, unpacked=MAX_UNPACKED
        )
        self._unseen = list(self._archive.members)
        self._codecs: dict[Member, str] = {}
        self._waiting: list[Member] = []
        self._reader: CsvReader | None = None
        self._before = self._rows = 0
        self.encoding: str | None = None
        self.headings: list[str] = []
        self.names: list[str] = []
        self.files: list[MemberFile] = []
        """The files that have been begun; the last one has the rows of the last step."""

    @property
    def opened(self) -> bool:
        """Return whether heading and first row of every file have been read."""
        return bool(self.names) and not self._unseen

    @property
    def ended(self) -> bool:
        """Return whether all rows of all files have been read."""
        return self.opened and not self._waiting and self._reader is None

    @property
    def rows(self) -> int:
        """Return the number of lines that are not blank, without headings."""
        return self._rows + (0 if self._reader is None else self._reader.rows)

    def open(self) -> None:
        """Examine one file: its encoding, which takes reading it, its heading and its first row.

        Raises `EmptyFile`, `WrongColumns`, `MalformedCsv`, `MixedEncodings` and errors of archives.
        """
        member = self._unseen[0]
        with self._naming(member):
            with self._archive.open(member) as stream:
                codec = csv_rows.codec_of(stream)
                self._codecs[member] = self._one_encoding(stream, codec)
            reader = self._begin(member)
            if not self.names:
                self.headings, self.names = reader.headings, reader.names
            elif reader.names != self.names:
                wanted = "、".join(map(shown, self.headings))
                raise WrongColumns(f"各文件的列及其次序应相同，第一个文件的列是：{wanted}。")
        del self._unseen[0]
        self._waiting.append(member)

    def take(self) -> Step:
        """Return the rows of one step, all of one file; may be none before the end."""
        if self._reader is None:
            member = self._waiting.pop(0)
            with self._naming(member):
                self._reader = self._begin(member)
            self.files.append(MemberFile(shown_name(member.name), self._before))
        try:
            step = self._reader.take()
        except DAMAGED as error:
            raise MalformedArchive(f"压缩包内的“{self.files[-1].name}”已损坏。") from error
        numbers = [self._before + number for number in step.numbers]
        faulty = [replace(one, number=self._before + one.number) for one in step.faulty]
        if self._reader.ended:
            self._rows += self._reader.rows
            self._before += self._reader.lines
            self._reader = None
        return Step(numbers, step.texts, faulty)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    def _begin(self, member: Member) -> CsvReader:
        reader = CsvReader(self._archive.open(member), self._codecs[member], self._feed)
        while not reader.opened:
            reader.open()
        return reader

    def _one_encoding(self, stream: BinaryIO, codec: str) -> str:
        """Return the codec of a file; what is only ASCII goes with any. Raises `MixedEncodings`."""
        name = codec.removesuffix("-sig")
        if self.encoding is None:
            self.encoding = name
        elif name != self.encoding:
            if name == "utf-8" and csv_rows.is_ascii(stream):
                return self.encoding
            if not all(self._is_ascii(member) for member in self._codecs):
                raise MixedEncodings
            self.encoding = name
        return codec

    def _is_ascii(self, member: Member) -> bool:
        with self._archive.open(member) as stream:
            return csv_rows.is_ascii(stream)

    @contextmanager
    def _naming(self, member: Member) -> Iterator[None]:
        """Name the file in what refuses it."""
        name = shown_name(member.name)
        try:
            yield
        except DAMAGED as error:
            raise MalformedArchive(f"压缩包内的“{name}”已损坏。") from error
        except Problem as problem:
            errors = [FieldError.at(*_path(error), detail=error.detail) for error in problem.errors or ()]
            raise type(problem)(f"文件“{name}”：{problem.detail}", errors=errors or None) from problem


def shown_name(name: str) -> str:
    """Return the name of a file for the report, which is stored: numbers of persons are masked."""
    return shown(name)


def _path(error: FieldError) -> list[str]:
    return [part for part in (error.pointer or "").split("/") if part]
