"""Files with generated awards, in every format that intake reads, written without holding them in memory."""

import csv
import json
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from bench.cockpit.facts import Award, awards

GROUP_ROWS = 100_000
_ARCHIVED = 10
"""Files of an archive."""
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "gb18030": "text/csv; charset=gb18030",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
NAMES = {
    "csv": "CSV, UTF-8",
    "gb18030": "CSV, GB18030",
    "jsonl": "JSON lines",
    "parquet": "Parquet",
    "xlsx": "Excel",
    "zip": "ZIP of ten CSV",
}


def make(form: str, rows: int, schools: int, to: Path) -> Path:
    """Write a file unless it is there; return it."""
    path = to / f"{form}-{rows}"
    if not path.exists():
        _WRITERS[form](_awards(rows, schools), rows, path)
    return path


def _awards(rows: int, schools: int) -> Iterator[Award]:
    return (award for award, _ in awards(rows, 1, schools))


def _csv(found: Iterator[Award], rows: int, path: Path, encoding: str = "utf-8") -> None:
    del rows
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Award._fields)
        writer.writerows(found)


def _gb18030(found: Iterator[Award], rows: int, path: Path) -> None:
    # A heading in Chinese: else the file would be the same in UTF-8.
    del rows
    chinese = "记录编号 单位代码 年度 学期 学段 资助项目 资金来源 人员标识 金额（元）"
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(chinese.split())
        writer.writerows(found)


def _jsonl(found: Iterator[Award], rows: int, path: Path) -> None:
    del rows
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(award._asdict()) + "\n" for award in found)


def _parquet(found: Iterator[Award], rows: int, path: Path) -> None:
    del rows
    writer: pq.ParquetWriter | None = None
    while part := list(islice(found, GROUP_ROWS)):
        columns = dict(zip(Award._fields, map(list, zip(*part, strict=True)), strict=True))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def _xlsx(found: Iterator[Award], rows: int, path: Path) -> None:
    del rows
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, Award._fields)
        for at, award in enumerate(found, start=1):
            sheet.write_row(at, 0, award)


def _zip(found: Iterator[Award], rows: int, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(_ARCHIVED):
            plain = path.with_suffix(".part")
            _csv(islice(found, -(-rows // _ARCHIVED)), rows, plain)
            archive.write(plain, f"{number}.csv")
            plain.unlink()


_WRITERS = {
    "csv": _csv,
    "gb18030": _gb18030,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "xlsx": _xlsx,
    "zip": _zip,
}
