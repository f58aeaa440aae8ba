"""What a file of figures holds. Pure."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from contracts.vocabulary import Vocabulary
from filekit.xlsx_writer import Cell

AT_ONCE = 100_000
"""A file of fewer rows is the answer to the request; one of more is made by a job."""
FIGURES_AT_ONCE = 200_000
"""So is one of fewer figures: rows may have many."""
HIDDEN = "*"
FOOTNOTE = f"“{HIDDEN}”表示该数值涉及 1 至 4 人、或可据以推算出这样的数值，为保护个人信息不予显示。"
BLANK = "空白表示没有数据、无可比基数，或该层级、条件下不提供。"
CHINA = timezone(timedelta(hours=8))
"""Times in files are Beijing time: they have no zone of their reader."""

Rows = Sequence[Sequence[Cell]]


class FileFormat(Vocabulary):
    """The kinds of files."""

    XLSX = "xlsx", "Excel 工作簿"
    CSV = "csv", "CSV 文件"


class Subject(Vocabulary):
    """What a file holds."""

    QUERY = "query", "指标查询"
    VIEW = "view", "专题页面的下级表"
    OVERVIEW = "overview", "资助概览"


class UseAction(Vocabulary):
    """What somebody did with a file."""

    ASKED = "asked", "提出"
    FETCHED = "fetched", "下载"


@dataclass(frozen=True)
class Asker:
    """Who asked for a file."""

    sub: str
    unit: str


@dataclass(frozen=True)
class Heads:
    """What a table of figures begins with: its title, headings, and the notes that go with them."""

    title: str
    headings: Sequence[str]
    notes: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table(Heads):
    """A table of figures with exact values, in memory."""

    rows: Rows = field(default_factory=list)


@dataclass(frozen=True)
class Stream(Heads):
    """A table of figures that is read while it is written: blocks of rows."""

    blocks: AsyncIterator[Rows] = field(kw_only=True)


def notes(
    place: str, period: str, scopes: Iterable[str], as_of: datetime, now: datetime, asker: Asker
) -> list[tuple[str, str]]:
    """Return the notes of every file: whose figures, calendar, 口径, time of the data, of the export, and who
    asked.
    """
    return [
        ("统计范围", place),
        ("期间", period),
        *(("口径", scope) for scope in dict.fromkeys(scopes)),
        ("数据截止时间", local(as_of)),
        ("导出时间", local(now)),
        ("导出单位", asker.unit),
        ("导出人（账号标识）", asker.sub),
        ("说明", FOOTNOTE),
        ("说明", BLANK),
    ]


def at_once(lines: int, figures: int) -> bool:
    """Return whether a file is small enough to be the answer to the request."""
    return lines < AT_ONCE and figures < FIGURES_AT_ONCE


def local(moment: datetime) -> str:
    """Return a time as people in China read it."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S（北京时间）")


def amount(yuan: str | None) -> Cell:
    """Return an exact amount in yuan, or the mark of a hidden one."""
    return HIDDEN if yuan is None else Decimal(yuan)


def count(number: int | None) -> Cell:
    """Return a count, or the mark of a hidden one."""
    return HIDDEN if number is None else number
