"""The register as an Excel workbook."""

from collections.abc import Sequence
from datetime import datetime

from filekit.spool import temporary_file
from filekit.xlsx_writer import Column, SheetWriter
from office.numbering.repository import RegisterLine
from servicekit.clock import SHANGHAI

_COLUMNS = (
    Column("发文字号", 26),
    Column("标题", 60),
    Column("签发人", 12),
    Column("签发时间", 20),
    Column("撤回时间", 20),
    Column("撤回原因", 40),
)


def workbook(lines: Sequence[RegisterLine]) -> bytes:
    """Return the workbook. Blocks: call it in a thread."""
    with temporary_file() as file:
        sheet = SheetWriter(file, "发文登记簿", _COLUMNS)
        sheet.write(_row(line) for line in lines)
        sheet.close()
        file.seek(0)
        return file.read()


def _row(line: RegisterLine) -> list[str | None]:
    number = line.number
    return [
        number.text,
        number.title,
        line.issuer,
        _local(number.issued_at),
        _local(number.voided_at),
        number.void_reason,
    ]


def _local(time: datetime | None) -> str | None:
    return None if time is None else f"{time.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
