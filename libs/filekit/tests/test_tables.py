"""Tables: CSV in every common encoding, Excel, and their refusals."""

import asyncio
import io
import zipfile

import pytest

from filekit import sniff
from filekit.cells import cleaned, csv_line, escaped
from filekit.csv_rows import STEP_LINES, STEP_ROWS, CsvRows, codec_of
from filekit.errors import (
    EncryptedWorkbook,
    MacroWorkbook,
    MalformedCsv,
    OldWorkbook,
    UnknownEncoding,
    UnsupportedFileType,
)
from filekit.tables import rows_of
from filekit.threads import ParsingThreads
from filekit.xlsx_writer import Column, Notes, SheetWriter

TEXT = "单位代码,单位名称\r\nS1,济南𬱖小学\r\n"


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("gb18030"), "gb18030"),
        (("\ufeff" + TEXT).encode("gb18030"), "gb18030"),
    ],
)
def test_the_encoding_is_found(content: bytes, codec: str) -> None:
    file = io.BytesIO(content)
    assert codec_of(file) == codec
    rows = rows_of(file, sniff.TEXT, lambda _: True)
    found = rows.step()
    assert [(row.number, [cleaned(field) for field in row.fields]) for row in found] == [
        (1, ["单位代码", "单位名称"]),
        (2, ["S1", "济南𬱖小学"]),
    ]
    assert (rows.ended, rows.merged) == (True, set())
    rows.close()


@pytest.mark.parametrize(
    "content", [TEXT.encode("utf-16"), b"\xff\xff\xff", b"\xef\xbb\xbf\xff", "甲".encode()[:-1] + b"\xff"]
)
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(UnknownEncoding):
        codec_of(io.BytesIO(content))


def test_a_step_of_csv_is_bounded_in_rows_lines_and_characters() -> None:
    for content in (b"a\n" * 20_000, b"\n" * 200_000 + b"a\n", (b"x" * 999 + b"\n") * 3_000):
        rows = CsvRows(io.BytesIO(content), "utf-8")
        steps = []
        while not rows.ended:
            before = rows.lines
            steps.append(rows.step())
            assert rows.lines - before <= STEP_LINES + 1
        assert len(steps) > 1
        assert all(len(step) <= STEP_ROWS for step in steps)
    with pytest.raises(MalformedCsv, match="第 2 行"):
        CsvRows(io.BytesIO(b'a\n"' + b"x\n" * 200_000), "utf-8").step()
    assert CsvRows(io.BytesIO(b" , \nb\n"), "utf-8").step() == [(2, ["b"])]


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@x"])
def test_what_a_spreadsheet_would_calculate_is_escaped_and_read_back(text: str) -> None:
    assert escaped(text) == f"'{text}"
    assert cleaned(escaped(text)) == text
    assert csv_line([text, "a,b"]) == f'\'{text},"a,b"\r\n'
    assert cleaned("　'单引号\u00a0") == "'单引号"


def written(notes: Notes | None = None) -> io.BytesIO:
    file = io.BytesIO()
    writer = SheetWriter(file, "单位", [Column("代码", 30), Column("层级", choices=["省", "市"])])
    writer.write([["=1", "省"], [None, ""], ["0531", "市"]])
    writer.close(notes)
    return file


def test_a_written_workbook_is_text_and_has_its_notes_on_a_second_sheet() -> None:
    file = written(Notes("说明", [["列", "意义"], []]))
    assert sniff.require(file, {sniff.XLSX}) == sniff.XLSX
    rows = rows_of(file, sniff.XLSX, lambda fields: "代码" in fields)
    found = []
    while not rows.ended:
        found += rows.step()
    rows.close()
    assert [(row.number, row.fields) for row in found] == [
        (1, ["代码", "层级"]),
        (2, ["'=1", "省"]),
        (4, ["0531", "市"]),
    ]
    with zipfile.ZipFile(file) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "dataValidation" in sheet


def test_workbooks_that_are_not_accepted_have_errors_of_their_own() -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 70_000
    encrypted = old + "EncryptedPackage".encode("utf-16-le")
    macros = io.BytesIO(written().getvalue())
    with zipfile.ZipFile(macros, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    for content, error in (
        (old, OldWorkbook),
        (encrypted, EncryptedWorkbook),
        (macros.getvalue(), MacroWorkbook),
        (macros.getvalue()[:-4], UnsupportedFileType),
        (b"%PDF-1.7\n", UnsupportedFileType),
    ):
        with pytest.raises(error):
            sniff.require(io.BytesIO(content), {sniff.XLSX, sniff.TEXT})
        with pytest.raises(UnsupportedFileType):
            sniff.require(io.BytesIO(content), {sniff.PNG})


async def test_steps_run_in_threads() -> None:
    threads = ParsingThreads()
    assert await asyncio.gather(*(threads.run(int, str(n)) for n in range(5))) == [*range(5)]
