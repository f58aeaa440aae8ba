"""Reading a table from an Excel workbook or a CSV file, row by row. Every function blocks: use a thread."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from contracts.vocabulary import FileFormat
from identity.unit_imports import rules
from identity.unit_imports.rules import Cell, Row
from identity.units.sources import divisions_by_code

MOST_UNPACKED = 1 << 30
"""Bytes of a workbook's parts, unpacked: a workbook is read into memory."""
_BLOCK = 1 << 20
_MOST_LINE = 128 * 1024


class Unreadable(Exception):
    """The file as a whole cannot be imported; the message is Chinese and says why."""


def rows(file: BinaryIO, format_: FileFormat) -> Iterator[Row]:
    """Yield the rows of the table with content, blank ones are left out. Raises `Unreadable`."""
    regions = divisions_by_code()
    lines, merged = _workbook(file) if format_ == FileFormat.XLSX else (_csv(file), frozenset[int]())
    columns: dict[str, int] | None = None
    count = 0
    for number, cells in lines:
        if columns is None:
            columns = rules.heading_of(cells)
            if columns is None and number >= rules.HEADING_WITHIN:
                break
            if columns is not None and (missing := rules.missing(columns)):
                raise Unreadable(f"表头缺少列：{'、'.join(missing)}")
            continue
        if rules.is_blank(cells):
            continue
        count += 1
        if count > rules.MOST_ROWS:
            raise Unreadable(f"超过 {rules.MOST_ROWS} 行，请拆分后导入")
        yield rules.row_of(number, cells, columns, regions, merged=number in merged)
    if columns is None:
        raise Unreadable(f"前 {rules.HEADING_WITHIN} 行中没有表头；表头须包含：{'、'.join(rules.HEADINGS)}")
    if count == 0:
        raise Unreadable("表头之下没有数据")


Lines = Iterator[tuple[int, Sequence[Cell]]]


def _workbook(file: BinaryIO) -> tuple[Lines, frozenset[int]]:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
                raise Unreadable("工作簿解压后过大，请改用 CSV 或拆分后导入")
        file.seek(0)
        workbook = CalamineWorkbook.from_filelike(file)
        sheet = _sheet(workbook)
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise Unreadable("工作簿已损坏或有密码，不能读取") from error
    merged: set[int] = set()
    for (first, _), (last, _) in sheet.merged_cell_ranges or []:
        merged.update(range(first + 1, min(last, rules.MOST_ROWS) + 2))
    return _numbered(sheet), frozenset(merged)


def _sheet(workbook: CalamineWorkbook) -> CalamineSheet:
    """Return the first visible sheet with the heading. Raises `Unreadable`."""
    for about in workbook.sheets_metadata:
        if about.typ != SheetTypeEnum.WorkSheet or about.visible != SheetVisibleEnum.Visible:
            continue
        sheet = workbook.get_sheet_by_name(about.name)
        first = sheet.to_python(skip_empty_area=False, nrows=rules.HEADING_WITHIN)
        if any(rules.heading_of(row) is not None for row in first):
            return sheet
    raise Unreadable(
        f"没有工作表在前 {rules.HEADING_WITHIN} 行中有表头；表头须包含：{'、'.join(rules.HEADINGS)}"
    )


def _numbered(sheet: CalamineSheet) -> Lines:
    # Rows above the first used one are not among those of `iter_rows`.
    start = sheet.start
    skipped = [""] * (start[1] if start is not None else 0)
    yield from (
        (number, [*skipped, *cells])
        for number, cells in enumerate(sheet.iter_rows(), start=1 + (start[0] if start is not None else 0))
    )


def _csv(file: BinaryIO) -> Lines:
    encoding = _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        reader = csv.reader(_limited(text))
        number = 1
        for cells in reader:
            yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"第 {number} 行不是有效的 CSV，或过长") from error
    finally:
        text.detach()


def _limited(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_MOST_LINE + 1):
        if len(line) > _MOST_LINE:
            raise csv.Error("line too long")
        if "\0" in line:
            raise csv.Error("NUL")
        yield line


def _encoding(file: BinaryIO) -> str:
    """Return UTF-8 (with or without BOM) or GB18030, whichever the whole file is. Raises `Unreadable`."""
    for name in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(name)()
        file.seek(0)
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise Unreadable("文件既不是 UTF-8 编码，也不是 GB18030 编码")
