"""Workbooks are read row by row, in bounded steps, whatever they hold."""

import functools
import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import xlsxwriter

from filekit import xlsx_parts, xlsx_rows
from filekit.errors import (
    MalformedWorkbook,
    SeveralSheets,
    SheetMissing,
    WorkbookRefused,
    WorkbookTooLarge,
)
from filekit.xlsx_rows import XlsxRows

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


def book(fill: Any = None, *sheets: str) -> bytes:
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file)
    pages = [made.add_worksheet(name) for name in sheets or ("单位",)]
    if fill is not None:
        fill(made, *pages)
    made.close()
    return file.getvalue()


def altered(workbook: bytes, part: str, pattern: str, replacement: str) -> bytes:
    """The workbook with something in one of its parts replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == part:
                changed = re.sub(pattern, replacement, content.decode(), flags=re.DOTALL)
                assert changed != content.decode()
                content = changed.encode()
            new.writestr(entry.filename, content)
    return out.getvalue()


def plain(workbook: bytes, rows: str) -> bytes:
    """The workbook with this as the content of its sheet."""
    return altered(workbook, SHEET, r"<sheetData.*(?=<pageMargins)", f"<sheetData>{rows}</sheetData>")


def steps_of(workbook: bytes, wanted: Any = lambda _: True, within: int = 10) -> Iterator[Any]:
    rows = XlsxRows(io.BytesIO(workbook), wanted, within)
    try:
        while not rows.ended:
            yield rows.step()
        yield rows.merged
    finally:
        rows.close()


def read(workbook: bytes, **more: Any) -> list[Any]:
    return [row for step in list(steps_of(workbook, **more))[:-1] for row in step]


def test_cells_are_read_as_people_see_them_and_blank_rows_are_left_out() -> None:
    def fill(made: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["代码", "名称", "数"])
        sheet.write_row(4, 0, ["0531", "助学_x000D_小学", 370102])
        sheet.write_number(4, 4, 1.5)
        sheet.write_rich_string(5, 1, "中", made.add_format({"bold": True}), "心")

    found = read(book(fill))
    assert [(row.number, row.fields) for row in found] == [
        (1, ["代码", "名称", "数"]),
        (5, ["0531", "助学_x000D_小学", "370102", "", "1.5"]),
        (6, ["", "中心"]),
    ]
    assert not any(row.faults for row in found)


@pytest.mark.parametrize(
    ("cell", "text", "fault"),
    [
        ('<c r="A1"><v>3.70102E5</v></c>', "370102", ""),
        ('<c r="A1"><v>370102.0</v></c>', "370102", ""),
        ('<c r="A1"><v>1234567890123456</v></c>', "1234567890123456", xlsx_rows.LOST_DIGITS),
        ('<c r="A1"><v>1e999</v></c>', "1e999", xlsx_rows.ERROR),
        ('<c r="A1" t="b"><v>1</v></c>', "1", xlsx_rows.TRUTH),
        ('<c r="A1" t="e"><v>#REF!</v></c>', "#REF!", xlsx_rows.ERROR),
        ('<c r="A1" t="d"><v>2026-09-01</v></c>', "2026-09-01", xlsx_rows.DATE),
        ('<c r="A1" t="str"><f>B1</f><v>甲</v></c>', "甲", ""),
        ('<c r="A1"><f>B1</f></c>', "=", xlsx_rows.FORMULA),
        ('<c r="A1" t="inlineStr"><is><t>甲</t><rPh><t>jia</t></rPh></is></c>', "甲", ""),
        ('<c t="inlineStr"><is><t>a_x0041_</t></is></c>', "aA", ""),
        ('<x:c xmlns:x="y" r="A1"><x:v>5</x:v></x:c>', "5", ""),
    ],
)
def test_what_a_spreadsheet_has_made_of_a_value_is_reported(cell: str, text: str, fault: str) -> None:
    [row] = read(plain(book(), f'<row r="7">{cell}</row>'))
    assert (row.number, row.fields) == (7, [text])
    assert row.faults == ([(0, fault)] if fault else [])


@pytest.mark.parametrize(
    "format_", ["yyyy-mm-dd", "m/d/yy", "hh:mm", '[$-804]yyyy"年"m"月"', "0.00", '"day" 0']
)
def test_dates_are_known_by_their_format(format_: str) -> None:
    def fill(made: Any, sheet: Any) -> None:
        sheet.write_number(0, 0, 46000, made.add_format({"num_format": format_}))

    [row] = read(book(fill))
    assert row.faults == ([] if "0" in format_.replace("804", "") else [(0, xlsx_rows.DATE)])


def test_merged_cells_are_known_by_their_rows() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.merge_range(1, 0, 3, 1, "甲")
        sheet.merge_range("D9:E9", "乙")

    assert list(steps_of(book(fill)))[-1] == {2, 3, 4, 9}


def test_the_sheet_is_the_visible_one_with_the_wanted_row() -> None:
    def fill(_: Any, first: Any, second: Any, third: Any) -> None:
        first.write(0, 0, "说明")
        second.write(20, 0, "代码")
        third.write(2, 0, "代码")
        second.hide()

    def has_code(fields: list[str]) -> bool:
        return "代码" in fields

    content = book(fill, "说明", "旧", "单位")
    assert [row.number for row in read(content, wanted=has_code)] == [3]
    with pytest.raises(SheetMissing):
        read(content, wanted=has_code, within=2)

    def twice(_: Any, first: Any, second: Any) -> None:
        first.write(0, 0, "代码")
        second.write(0, 0, "代码")
        for number in range(3_000):
            second.write(number + 1, 0, number)

    with pytest.raises(SeveralSheets, match="甲、乙"):
        read(book(twice, "甲", "乙"), wanted=has_code)


def far(_: Any, sheet: Any) -> None:
    sheet.write(0, 0, "a")
    sheet.write(1_048_575, 16_383, "b")


@functools.cache
def far_apart() -> bytes:
    return book(far)


LONG = "x" * (xlsx_rows.MAX_TEXT + 1)
HOSTILE: dict[str, Callable[[], bytes]] = {
    "two far corners": far_apart,
    "a long text": lambda: plain(book(), f'<row><c t="inlineStr"><is><t>{LONG}</t></is></c></row>'),
    "a document type": lambda: altered(
        book(), SHEET, "<worksheet", '<!DOCTYPE a [<!ENTITY b "c">]><worksheet'
    ),
    "rows backwards": lambda: plain(book(), '<row r="5"/><row r="4"/>'),
    "rows without end": lambda: plain(book(), '<row r="1048577"/>'),
    "cells backwards": lambda: plain(book(), '<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'),
    "a column that is none": lambda: plain(book(), '<row><c r="aa1"><v>1</v></c></row>'),
    "a number that is none": lambda: plain(book(), "<row><c><v>1x</v></c></row>"),
    "a string that is none": lambda: plain(book(), '<row><c t="s"><v>7</v></c></row>'),
    "a string index that is none": lambda: plain(far_apart(), '<row><c t="s"><v>-1</v></c></row>'),
    "an area that is none": lambda: altered(
        book(), SHEET, "<sheetData ?/>", '<sheetData/><mergeCell ref="A"/>'
    ),
    "no XML": lambda: altered(book(), SHEET, "<sheetData ?/>", "<sheetData"),
    "a long shared string": lambda: altered(far_apart(), STRINGS, "<t>a</t>", f"<t>{LONG}</t>"),
    "half a file": lambda: far_apart()[:600] + far_apart()[900:],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook_is_refused_with_little_memory(name: str) -> None:
    workbook = HOSTILE[name]()
    tracemalloc.start()
    try:
        with pytest.raises((MalformedWorkbook, WorkbookTooLarge)):
            read(workbook)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def without(part: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(far_apart())) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            if entry.filename != part:
                new.writestr(entry.filename, old.read(entry))
    return out.getvalue()


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/_rels/workbook.xml.rels", STRINGS])
def test_a_workbook_without_a_part_is_refused(part: str) -> None:
    with pytest.raises(WorkbookRefused):
        read(without(part))


def test_a_workbook_without_styles_is_read() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["甲", 1])

    content = altered(book(fill), "xl/_rels/workbook.xml.rels", r"<Relationship [^>]*styles.xml\"/>", "")
    assert read(content)[0].fields == ["甲", "1"]


def test_bombs_are_refused_before_and_while_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    content = plain(book(), "<row/>" * 300_000)
    monkeypatch.setattr(xlsx_parts, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(WorkbookTooLarge):
        read(content)
    monkeypatch.undo()
    monkeypatch.setattr(xlsx_rows, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(WorkbookTooLarge):
        read(content)
    monkeypatch.undo()
    monkeypatch.setattr(xlsx_parts, "_MAX_PART", 10)
    with pytest.raises(WorkbookTooLarge):
        read(content)
    monkeypatch.undo()
    monkeypatch.setattr(xlsx_rows, "MAX_STRINGS", 1)
    with pytest.raises(WorkbookTooLarge):
        read(book(far))


def test_no_step_reads_more_than_its_bound() -> None:
    def fill(_: Any, sheet: Any) -> None:
        for number in range(20_000):
            sheet.write_row(number, 0, [f"S{number}", f"第{number}小学"])

    sizes = [len(step) for step in list(steps_of(book(fill)))[:-1]]
    assert sum(sizes) == 20_000
    # One block more than the step.
    assert max(sizes) < xlsx_rows.STEP_ROWS + 2_000
    blank = plain(book(), "<row/>" * 500_000 + "<row><c><v>1</v></c></row>")
    steps = list(steps_of(blank, within=xlsx_rows.MAX_ROW))[:-1]
    assert len(steps) > 3
    assert [row.number for step in steps for row in step] == [500_001]
