"""What the facts of a feed should have in common with other feeds and with the directory, declared once.

A check refuses rows only if no later file can make them right. What another feed lacks may still arrive:
such rows are accepted with a note, which ends when the missing record counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cockpit.feeds.feed import FeedName
from contracts.vocabulary import Vocabulary


class Severity(Vocabulary):
    """What becomes of a row that does not agree."""

    REFUSE = "refuse", "隔离"
    NOTE = "note", "计入并提示"


UNIT_CLOSED = "unit_closed"
UNIT_NOT_YET = "unit_not_yet"
AWARD_WITHOUT_ENROLMENT = "award_without_enrolment"
HARDSHIP_WITHOUT_ENROLMENT = "hardship_without_enrolment"
PAYMENT_WITHOUT_AWARD = "payment_without_award"
ENROLLED_TWICE = "enrolled_twice"

AFTER_SCHOOL = ("tuition_compensation", "military_service", "veterans", "student_loan", "new_students")
"""Programmes whose persons need not be enrolled: after graduation, during service, and before arrival."""


@dataclass(frozen=True)
class CrossCheck:
    """A check of the rows of a feed; `why` says why it has its severity. `needs` is the other feed."""

    code: str
    title: str
    rule: str
    severity: Severity
    why: str
    needs: FeedName | None = None


@dataclass(frozen=True)
class Span:
    """The days that a fact is about. `of` gets the values of `columns` and returns the first and the last
    day; `first` and `last` are the same as expressions over facts.
    """

    columns: tuple[str, ...]
    of: Callable[..., tuple[date, date]]
    first: str
    last: str


def _closed(severity: Severity, why: str) -> CrossCheck:
    return CrossCheck(
        UNIT_CLOSED,
        "单位当时已撤销",
        "数据所属日期内，单位应未撤销；仅部分日期已撤销的不在此列",
        severity,
        why,
    )


_NOT_YET = CrossCheck(
    UNIT_NOT_YET,
    "单位当时尚未登记",
    "数据所属日期不应早于单位在统一用户认证中登记之日；早于整个单位目录建立之日的不判断",
    Severity.NOTE,
    "单位可能先设立、后登记，晚登记不说明数据有误",
)
_LATE = "在籍名单常晚于资助数据报送；补报后提示自动消除"
CHECKS: Mapping[FeedName, tuple[CrossCheck, ...]] = {
    FeedName.AWARD: (
        CrossCheck(
            AWARD_WITHOUT_ENROLMENT,
            "受助学生不在籍",
            "受助学生在该学年应有本单位（或其下级单位）的在籍记录；春季属上一年开始的学年，"
            "全年的项目两个学年之一即可；毕业、服役、未入学学生的项目不在此列",
            Severity.NOTE,
            _LATE,
            FeedName.ENROLMENT,
        ),
        _closed(Severity.REFUSE, "撤销后的单位不再发生资助；应报在承接其职能的单位名下"),
        _NOT_YET,
    ),
    FeedName.ENROLMENT: (
        CrossCheck(
            ENROLLED_TWICE,
            "同一学生同时在籍两处",
            "同一学年内，同一学生的在籍日期不应重叠；转学当日两校都在籍的不在此列",
            Severity.NOTE,
            "无法判断哪一处有误；任一处更正离校日期或删除后提示自动消除",
            FeedName.ENROLMENT,
        ),
        _closed(Severity.REFUSE, "撤销后的学校没有在籍学生"),
        _NOT_YET,
    ),
    FeedName.HARDSHIP: (
        CrossCheck(
            HARDSHIP_WITHOUT_ENROLMENT,
            "困难学生不在籍",
            "困难学生在该学年应有本单位（或其下级单位）的在籍记录",
            Severity.NOTE,
            _LATE,
            FeedName.ENROLMENT,
        ),
        _closed(Severity.REFUSE, "撤销后的单位没有困难学生"),
        _NOT_YET,
    ),
    FeedName.PAYMENT: (
        CrossCheck(
            PAYMENT_WITHOUT_AWARD,
            "发放没有对应的资助",
            "资助记录编号应是同一单位已计入的资助明细",
            Severity.NOTE,
            "发放数据可能先于资助明细报送；补报后提示自动消除",
            FeedName.AWARD,
        ),
        _closed(Severity.NOTE, "撤销前批准的资金可能在撤销后补发"),
        _NOT_YET,
    ),
    FeedName.FUND_FLOW: (
        _closed(Severity.NOTE, "撤销后可能清退、收回资金"),
        _NOT_YET,
    ),
    FeedName.LOAN: (
        _closed(Severity.REFUSE, "撤销后的单位不再发放贷款"),
        _NOT_YET,
    ),
}
"""The checks of feeds with records about units; published tables have none."""

TITLES: Mapping[str, str] = {check.code: check.title for checks in CHECKS.values() for check in checks}


def check_of(feed: FeedName, code: str) -> CrossCheck | None:
    """Return a check of a feed, None if it has none with this code."""
    return next((check for check in CHECKS.get(feed, ()) if check.code == code), None)


def _school_year(year: int) -> tuple[date, date]:
    return date(year, 9, 1), date(year + 1, 8, 31)


def _award(year: int, term: str) -> tuple[date, date]:
    first, last = date(year, 1, 1), date(year, 12, 31)
    match term:
        case "spring":
            return first, date(year, 7, 31)
        case "autumn":
            return date(year, 8, 1), last
        case _:
            return first, last


def _enrolment(year: int, entered_on: date, left_on: date | None) -> tuple[date, date]:
    first, last = _school_year(year)
    return max(first, entered_on), left_on or last


def _hardship(year: int, valid_from: date, valid_to: date | None) -> tuple[date, date]:
    return valid_from, valid_to or _school_year(year)[1]


def _one_day(column: str) -> Span:
    return Span((column,), lambda day: (day, day), column, column)


_ENDS = "makeDate32(year + 1, 8, 31)"
SPANS: Mapping[FeedName, Span] = {
    FeedName.AWARD: Span(
        ("year", "term"),
        _award,
        "makeDate32(year, if(term = 'autumn', 8, 1), 1)",
        "if(term = 'spring', makeDate32(year, 7, 31), makeDate32(year, 12, 31))",
    ),
    FeedName.ENROLMENT: Span(
        ("school_year", "entered_on", "left_on"),
        _enrolment,
        "greatest(makeDate32(year, 9, 1), entered_on)",
        f"ifNull(left_on, {_ENDS})",
    ),
    FeedName.HARDSHIP: Span(
        ("school_year", "valid_from", "valid_to"), _hardship, "valid_from", f"ifNull(valid_to, {_ENDS})"
    ),
    FeedName.PAYMENT: _one_day("due_on"),
    FeedName.FUND_FLOW: _one_day("moved_on"),
    FeedName.LOAN: _one_day("granted_on"),
}


def span_of(feed: FeedName, row: Mapping[str, Any]) -> tuple[date, date] | None:
    """Return the days that a row is about, None if its columns do not say or the last is before the first."""
    span = SPANS[feed]
    try:
        first, last = span.of(*(row[name] for name in span.columns))
    except TypeError:
        # A column without a value, whose error is reported.
        return None
    return (first, last) if first <= last else None
