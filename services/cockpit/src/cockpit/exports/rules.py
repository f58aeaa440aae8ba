"""What a file of figures holds. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from filekit.xlsx_writer import Cell

HIDDEN = "*"
FOOTNOTE = f"“{HIDDEN}”表示该数值涉及 1 至 4 人、或可据以推算出这样的数值，为保护个人信息不予显示。"
CHINA = timezone(timedelta(hours=8))
"""Times in files are Beijing time: they have no zone of their reader."""


@dataclass(frozen=True)
class Table:
    """A table of figures: headings, rows with exact values, and notes that go with them."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[tuple[str, str]]


def notes(
    unit: str, period: str, scopes: Sequence[str], as_of: datetime, now: datetime
) -> list[tuple[str, str]]:
    """Return the notes of every file: whose figures, 口径, time of the data and of the export."""
    return [
        ("单位", unit),
        ("期间", period),
        *(("口径", scope) for scope in scopes),
        ("数据截止时间", local(as_of)),
        ("导出时间", local(now)),
        ("说明", FOOTNOTE),
    ]


def local(moment: datetime) -> str:
    """Return a time as people in China read it."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S（北京时间）")


def amount(yuan: str | None) -> Cell:
    """Return an exact amount in yuan, or the mark of a hidden one."""
    return HIDDEN if yuan is None else Decimal(yuan)


def count(number: int | None) -> Cell:
    """Return a count, or the mark of a hidden one."""
    return HIDDEN if number is None else number
