"""The small parts of a workbook (ECMA-376): which sheets it has, and which styles are dates.

Parts are read with expat, without a document type: entities cannot be declared (CWE-776).
"""

import posixpath
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from filekit.errors import MalformedWorkbook, WorkbookTooLarge

MAX_UNPACKED = 2 * 1024**3
"""Bytes of all parts. A sheet of 1,000,000 rows with eleven columns has about 700 MB."""
_MAX_PART = 16 * 1024**2
_BLOCK = 256 * 1024
_OFFICE_RELATION = re.compile(r"http://(schemas\.openxmlformats\.org|purl\.oclc\.org/ooxml)/.*/(\w+)")

# Built-in formats of dates and times, those of China included (ECMA-376-1 §18.8.30).
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')

DAMAGED = (zipfile.BadZipFile, expat.ExpatError, EOFError, OSError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, its part, and whether people see it."""

    name: str
    part: str
    visible: bool


@dataclass(frozen=True)
class Parts:
    """What is known of a workbook before its rows are read."""

    sheets: tuple[Sheet, ...]
    shared_strings: str | None
    date_styles: frozenset[str]


def parser(start: Callable[[str, dict[str, str]], None]) -> expat.XMLParserType:
    """Return a parser that refuses document types."""
    made = expat.ParserCreate()
    made.buffer_text = True
    made.StartDoctypeDeclHandler = _refuse
    made.StartElementHandler = start
    return made


def _refuse(*_: object) -> NoReturn:
    raise MalformedWorkbook


def parts_of(archive: zipfile.ZipFile) -> Parts:
    """Read the parts beside the sheets. Raises `MalformedWorkbook`, `WorkbookTooLarge`."""
    if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
        raise WorkbookTooLarge
    try:
        targets, shared, styles = _relations(archive)
        sheets = tuple(
            Sheet(name, targets[relation], state == "visible")
            for name, relation, state in _sheets(archive)
            if relation in targets
        )
        dates = frozenset[str]() if styles is None else _date_styles(archive, styles)
    except DAMAGED as error:
        raise MalformedWorkbook from error
    if not sheets:
        raise MalformedWorkbook
    return Parts(sheets, shared, dates)


def _read(archive: zipfile.ZipFile, name: str, start: Callable[[str, dict[str, str]], None]) -> None:
    if name not in archive.NameToInfo:
        raise MalformedWorkbook
    reading, total = parser(lambda tag, attributes: start(tag.rpartition(":")[2], attributes)), 0
    with archive.open(name) as part:
        while block := part.read(_BLOCK):
            total += len(block)
            if total > _MAX_PART:
                raise WorkbookTooLarge
            reading.Parse(block)
    reading.Parse(b"", True)


def _relations(archive: zipfile.ZipFile) -> tuple[dict[str, str], str | None, str | None]:
    """Return the parts of sheets by the ids of their relations, and those of strings and styles."""
    sheets: dict[str, str] = {}
    named: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        kind = _OFFICE_RELATION.fullmatch(attributes.get("Type", ""))
        if tag != "Relationship" or kind is None or attributes.get("TargetMode") == "External":
            return
        target = posixpath.normpath(posixpath.join("/xl", attributes.get("Target", ""))).lstrip("/")
        if target in archive.NameToInfo:
            if kind[2] == "worksheet":
                sheets[attributes.get("Id", "")] = target
            named[kind[2]] = target

    _read(archive, "xl/_rels/workbook.xml.rels", start)
    return sheets, named.get("sharedStrings"), named.get("styles")


def _sheets(archive: zipfile.ZipFile) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            relation = next((value for name, value in attributes.items() if name.endswith(":id")), "")
            found.append((attributes.get("name", ""), relation, attributes.get("state", "visible")))

    _read(archive, "xl/workbook.xml", start)
    return found


def _date_styles(archive: zipfile.ZipFile, part: str) -> frozenset[str]:
    """Return the indexes of cell styles that show a number as a date or time."""
    dates, cells = {str(number) for number in _DATES}, list[str]()
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if tag == "numFmt":
            code = _LITERAL.sub("", attributes.get("formatCode", "")).lower()
            if set(code) & set("ymdhs") and "general" not in code:
                dates.add(attributes.get("numFmtId", ""))
        elif tag == "cellXfs":
            inside = True
        elif tag == "xf" and inside:
            cells.append(attributes.get("numFmtId", ""))
        elif inside and tag in ("cellStyles", "dxfs"):
            inside = False

    _read(archive, part, start)
    return frozenset(str(index) for index, number in enumerate(cells) if number in dates)
