"""A worked example of each metric and comparison: rows of feeds, and the figure that they give.

The dictionary shows them, and a test sends the rows through the intake and asks the API for the figures. At
least five persons everywhere, because figures of fewer are not shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cockpit.cells.dimensions import Calendar, Dimension
from cockpit.feeds.declarations import FEEDS, FeedName
from cockpit.metrics.catalogue import MetricName
from cockpit.metrics.periods import Comparison, title


@dataclass(frozen=True)
class Sample:
    """Rows that differ in the person only: one for each of the first `persons` of a group (甲、乙…).

    `fields` are the columns that matter; the test fills in the others. Flows of money have no persons.
    """

    feed: FeedName
    group: str
    persons: int
    fields: Mapping[str, str]

    @property
    def words(self) -> str:
        """The rows in words."""
        feed = FEEDS[self.feed]
        fields = "，".join(f"{feed.by_name[name].chinese} {value}" for name, value in self.fields.items())
        who = f"{self.group}组 {self.persons} 人每人一行，" if self.group else ""
        return f"{feed.title}：{who}{fields}"


@dataclass(frozen=True)
class Example:
    """Rows of one county, and the figure of the county that they give, with its calculation."""

    metric: MetricName
    rows: tuple[Sample, ...]
    calendar: Calendar
    period: str
    work: str
    value: str
    comparison: Comparison | None = None
    before: tuple[str, ...] = ()
    by: Mapping[Dimension, str] | None = None

    @property
    def asked(self) -> str:
        """What is asked, in words."""
        words = [title(self.calendar, self.period)]
        words += [f"{dimension.label}={value}" for dimension, value in (self.by or {}).items()]
        return "，".join(words)


def _award(group: str, persons: int, amount: str, **fields: str) -> Sample:
    return Sample(FeedName.AWARD, group, persons, {"amount": amount, **fields})


def _enrolled(group: str, persons: int, year: str = "2024-2025") -> Sample:
    return Sample(FeedName.ENROLMENT, group, persons, {"school_year": year})


def _listed(group: str, persons: int, year: str = "2024-2025", **fields: str) -> Sample:
    return Sample(FeedName.HARDSHIP, group, persons, {"school_year": year, **fields})


def _paid(group: str, persons: int, amount: str, state: str, **fields: str) -> Sample:
    return Sample(FeedName.PAYMENT, group, persons, {"amount": amount, "state": state, **fields})


def _flow(kind: str, amount: str, sent: str = "市级", received: str = "县级") -> Sample:
    fields = {"flow_kind": kind, "from_level": sent, "to_level": received, "amount": amount}
    return Sample(FeedName.FUND_FLOW, "", 1, fields)


def _loan(group: str, persons: int, amount: str, balance: str) -> Sample:
    return Sample(FeedName.LOAN, group, persons, {"amount": amount, "balance": balance})


def _year(metric: MetricName, rows: tuple[Sample, ...], work: str, value: str) -> Example:
    return Example(metric, rows, Calendar.YEAR, "2024", work, value)


def _school_year(metric: MetricName, rows: tuple[Sample, ...], work: str, value: str) -> Example:
    return Example(metric, rows, Calendar.SCHOOL_YEAR, "2024", work, value)


_M = MetricName
_TWO_TERMS = (
    _award("甲", 6, "625.00", term="春季"),
    _award("甲", 6, "625.00", term="秋季"),
    _award("乙", 5, "500.10"),
)
_FUNDED = (
    _award("甲", 6, "500.00", funding="中央财政"),
    _award("甲", 6, "300.00", funding="地方财政"),
    _award("乙", 5, "1000.00", funding="银行"),
    _award("乙", 5, "200.00", funding="学校"),
    _award("乙", 5, "100.50", funding="社会"),
)
_PROGRAMMES = (
    _award("甲", 5, "100.00", programme="校内资助项目"),
    _award("甲", 11, "200.00", programme="勤工助学"),
    _award("甲", 18, "300.00", programme="社会资助项目"),
    _award("甲", 18, "300.00", programme="社会资助项目"),
)
_PAYMENTS = (
    _paid("甲", 6, "625.00", "已发放"),
    _paid("乙", 5, "500.00", "应发"),
    _paid("丙", 5, "400.00", "退回"),
    _paid("丁", 5, "999.00", "取消"),
)
_LISTS = (
    _listed("甲", 8, "2023-2024"),
    _listed("甲", 6),
    _listed("乙", 7),
)
_HELPED = (_listed("甲", 20), _award("甲", 15, "625.00", term="秋季"), _award("乙", 5, "625.00", term="秋季"))
_MONEY = (
    _flow("下达", "20000.00"),
    _flow("拨付", "12000.00"),
    _flow("拨付", "8000.00", "县级", "学校"),
    _flow("收回", "1500.00", "县级", "市级"),
    _paid("甲", 6, "1000.00", "已发放"),
    _paid("乙", 5, "500.00", "应发"),
)
_LENT = (_loan("甲", 6, "12000.00", "12000.00"), _loan("乙", 5, "8000.00", "3000.50"))

EXAMPLES: tuple[Example, ...] = (
    _year(_M.AID_AMOUNT, _TWO_TERMS, "6 × 625.00 + 6 × 625.00 + 5 × 500.10", "10000.50"),
    _year(_M.AID_PERSON_TIMES, _TWO_TERMS, "6 + 6 + 5", "17"),
    _year(_M.AID_PERSONS, _TWO_TERMS, "甲组 6 人只计一次：6 + 5", "11"),
    _school_year(
        _M.ENROLLED_PERSONS, (_enrolled("甲", 12), _enrolled("乙", 9, "2023-2024")), "只计该学年的", "12"
    ),
    _school_year(
        _M.COVERAGE,
        (_enrolled("甲", 12), _award("甲", 5, "625.00", term="秋季")),
        "5 ÷ 12 × 100",
        "41.67",
    ),
    _year(
        _M.PAYMENT_PROGRESS,
        _PAYMENTS,
        "3,750.00 ÷ (3,750.00 + 2,500.00 + 2,000.00) × 100，取消的不计",
        "45.45",
    ),
    _school_year(
        _M.RECOGNISED_PERSONS,
        (*_LISTS, _listed("乙", 7, list_source="残联")),
        "甲组 6 人、乙组 7 人，两份名单中的只计一次",
        "13",
    ),
    _school_year(_M.RECOGNITION_RATE, (_enrolled("丙", 30), *_LISTS), "13 ÷ 30 × 100", "43.33"),
    _school_year(_M.NEWLY_RECOGNISED, _LISTS, "13 − 甲组留下的 6", "7"),
    _school_year(
        _M.NO_LONGER_RECOGNISED, (_listed("甲", 12, "2023-2024"), _listed("甲", 6)), "12 − 甲组留下的 6", "6"
    ),
    _school_year(_M.RECOGNISED_AND_AIDED, _HELPED, "甲组中获资助的；乙组未认定", "15"),
    _school_year(_M.RECOGNISED_NOT_AIDED, _HELPED, "20 − 15", "5"),
    _school_year(_M.FULL_AID_RATE, _HELPED, "15 ÷ 20 × 100", "75.00"),
    _year(_M.AID_PER_PERSON, _TWO_TERMS, "10,000.50 ÷ 11", "909.14"),
    _year(_M.AID_PER_TIME, _TWO_TERMS, "10,000.50 ÷ 17", "588.26"),
    _year(_M.TIMES_PER_PERSON, _TWO_TERMS, "17 ÷ 11", "1.55"),
    _year(_M.AIDED_BY_ONE, _PROGRAMMES, "甲组第 12—18 人；同一项目的两笔计一项", "7"),
    _year(_M.AIDED_BY_TWO, _PROGRAMMES, "甲组第 6—11 人", "6"),
    _year(_M.AIDED_BY_MORE, _PROGRAMMES, "甲组第 1—5 人", "5"),
    _year(_M.CENTRAL_AID, _FUNDED, "6 × 500.00", "3000.00"),
    _year(_M.LOCAL_AID, _FUNDED, "6 × 300.00", "1800.00"),
    _year(_M.BANK_AID, _FUNDED, "5 × 1,000.00", "5000.00"),
    _year(_M.SCHOOL_AID, _FUNDED, "5 × 200.00", "1000.00"),
    _year(_M.SOCIAL_AID, _FUNDED, "5 × 100.50", "502.50"),
    _year(_M.BUDGET_AMOUNT, _MONEY, "由市级下达的", "20000.00"),
    _year(_M.TRANSFER_AMOUNT, _MONEY, "由市级拨付的；县级拨给学校的不再计", "12000.00"),
    _year(_M.RECLAIMED_AMOUNT, _MONEY, "由市级收回的", "1500.00"),
    _year(_M.TRANSFER_RATE, _MONEY, "12,000.00 ÷ 20,000.00 × 100", "60.00"),
    _year(_M.FLOW_AMOUNT, _MONEY, "20,000.00 + 12,000.00 + 8,000.00 + 1,500.00", "41500.00"),
    _year(_M.DUE_AMOUNT, _PAYMENTS, "6 × 625.00 + 5 × 500.00 + 5 × 400.00，取消的不计", "8250.00"),
    _year(_M.PAID_AMOUNT, _PAYMENTS, "6 × 625.00", "3750.00"),
    _year(_M.RETURNED_AMOUNT, _PAYMENTS, "5 × 400.00", "2000.00"),
    _year(_M.PAYOUT_RATE, _MONEY, "6 × 1,000.00 ÷ 12,000.00 × 100", "50.00"),
    _year(_M.FUND_BALANCE, _MONEY, "12,000.00 − 1,500.00 − 6,000.00", "4500.00"),
    _year(
        _M.DAYS_TO_PAY,
        (
            _paid("甲", 6, "100.00", "已发放", due_on="2024-05-31", paid_on="2024-06-10"),
            _paid("乙", 5, "100.00", "已发放", due_on="2024-05-31", paid_on="2024-05-29"),
            _paid("丙", 5, "100.00", "应发", due_on="2024-05-31"),
        ),
        "(6 × 10 − 5 × 2) ÷ 11",
        "4.55",
    ),
    _year(_M.LOAN_AMOUNT, _LENT, "6 × 12,000.00 + 5 × 8,000.00", "112000.00"),
    _year(_M.LOAN_COUNT, _LENT, "6 + 5", "11"),
    _year(_M.LOAN_PERSONS, _LENT, "6 + 5", "11"),
    _year(_M.LOAN_BALANCE, _LENT, "6 × 12,000.00 + 5 × 3,000.50", "87002.50"),
)

COMPARED: tuple[Example, ...] = (
    Example(
        _M.AID_AMOUNT,
        (_award("甲", 6, "500.00", year="2023"), _award("甲", 6, "625.00", year="2024")),
        Calendar.YEAR,
        "2024",
        "(3,750.00 − 3,000.00) ÷ 3,000.00 × 100",
        "25.00",
        comparison=Comparison.YEAR_ON_YEAR,
    ),
    Example(
        _M.AID_PERSONS,
        (
            _award("甲", 8, "500.00", year="2023", term="秋季"),
            _award("甲", 6, "500.00", year="2024", term="春季"),
        ),
        Calendar.TERM,
        "2024-spring",
        "(6 − 8) ÷ 8 × 100，春季比上年秋季",
        "-25.00",
        comparison=Comparison.PREVIOUS_PERIOD,
    ),
    Example(
        _M.AID_AMOUNT,
        (
            _award("甲", 6, "500.00", year="2022"),
            _award("甲", 6, "600.00", year="2023"),
            _award("甲", 6, "625.00", year="2024"),
        ),
        Calendar.YEAR,
        "2024",
        "查询 2022 至 2024 年：3,000.00 + 3,600.00 + 3,750.00",
        "10350.00",
        comparison=Comparison.CUMULATIVE,
        before=("2022", "2023"),
    ),
    Example(
        _M.AID_AMOUNT,
        _FUNDED,
        Calendar.YEAR,
        "2024",
        "3,000.00 ÷ 11,302.50 × 100",
        "26.54",
        comparison=Comparison.SHARE,
        by={Dimension.FUNDING: "central"},
    ),
)
