"""Workbooks as people send them, good and bad."""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import xlsxwriter

Line = Sequence[str | None]


def workbook(fill: Callable[[Any, Any], None], *, sheet: str = "单位") -> bytes:
    """A workbook whose first sheet is filled by hand."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    fill(book, book.add_worksheet(sheet))
    book.close()
    return file.getvalue()


def sheet_of(lines: Iterable[Line]) -> bytes:
    """A workbook with one sheet of texts."""

    def fill(_: Any, sheet: Any) -> None:
        for number, line in enumerate(lines):
            for position, cell in enumerate(line):
                sheet.write_string(number, position, cell or "")

    return workbook(fill)


def with_parts(content: bytes, **parts: bytes) -> bytes:
    """The workbook with more or other parts; `__` in a name is a slash, `_` a dot."""
    changed = {name.replace("__", "/").replace("_", "."): data for name, data in parts.items()}
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            if entry.filename not in changed:
                target.writestr(entry.filename, source.read(entry))
        for name, data in changed.items():
            target.writestr(name, data)
    return file.getvalue()


def with_macros(content: bytes) -> bytes:
    """The workbook as Excel saves it with macros (.xlsm)."""
    return with_parts(content, xl__vbaProject_bin=b"macro")


def large(headings: Line, lines: Iterable[Line]) -> bytes:
    """A workbook of very many rows, made much faster than by a library."""

    def row(number: int, line: Line) -> str:
        cells = (f'<c t="inlineStr"><is><t>{cell or ""}</t></is></c>' for cell in line)
        return f'<row r="{number}">{"".join(cells)}</row>'

    rows = "".join(row(number, line) for number, line in enumerate((headings, *lines), start=1))
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{space}"><sheetData>{rows}</sheetData>'
    return with_parts(sheet_of([headings]), xl__worksheets__sheet1_xml=f"{sheet}</worksheet>".encode())
