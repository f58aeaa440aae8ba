"""The declarations of all metrics: what they are made of is an expression, the rest is for people.

API, dictionary page, `docs/metrics.md` and tests read these.
"""

from dataclasses import dataclass
from datetime import date

from cockpit.feeds.declarations import FeedName
from cockpit.metrics.expressions import Expression, cells
from cockpit.metrics.figures import Unit
from cockpit.metrics.periods import Comparison
from contracts.vocabulary import Vocabulary


class Module(Vocabulary):
    """The pages of the cockpit that metrics belong to."""

    OVERVIEW = "overview", "资助概览"
    HARDSHIP = "hardship", "困难学生"
    STUDENTS = "students", "资助学生"
    FUNDS = "funds", "资助资金"


class MetricName(Vocabulary):
    """The figures of the cockpit."""

    AID_AMOUNT = "aid_amount", "资助金额"
    AID_PERSON_TIMES = "aid_person_times", "资助人次"
    AID_PERSONS = "aid_persons", "资助人数"
    ENROLLED_PERSONS = "enrolled_persons", "在校生数"
    COVERAGE = "coverage", "资助面"
    PAYMENT_PROGRESS = "payment_progress", "发放进度"

    RECOGNISED_PERSONS = "recognised_persons", "认定人数"
    RECOGNITION_RATE = "recognition_rate", "认定率"
    NEWLY_RECOGNISED = "newly_recognised", "新增认定人数"
    NO_LONGER_RECOGNISED = "no_longer_recognised", "退出认定人数"
    RECOGNISED_AND_AIDED = "recognised_and_aided", "应助已助人数"
    RECOGNISED_NOT_AIDED = "recognised_not_aided", "应助未助人数"
    FULL_AID_RATE = "full_aid_rate", "应助尽助率"

    AID_PER_PERSON = "aid_per_person", "人均资助金额"
    AID_PER_TIME = "aid_per_time", "次均资助金额"
    TIMES_PER_PERSON = "times_per_person", "人均资助次数"

    AIDED_BY_ONE = "aided_by_one", "获 1 项资助的人数"
    AIDED_BY_TWO = "aided_by_two", "获 2 项资助的人数"
    AIDED_BY_MORE = "aided_by_more", "获 3 项及以上资助的人数"

    CENTRAL_AID = "central_aid", "中央财政资助金额（明细）"
    LOCAL_AID = "local_aid", "地方财政资助金额（明细）"
    BANK_AID = "bank_aid", "银行资金资助金额"
    SCHOOL_AID = "school_aid", "学校资金资助金额"
    SOCIAL_AID = "social_aid", "社会资金资助金额"
    BUDGET_AMOUNT = "budget_amount", "下达金额"
    TRANSFER_AMOUNT = "transfer_amount", "拨付金额"
    RECLAIMED_AMOUNT = "reclaimed_amount", "收回金额"
    TRANSFER_RATE = "transfer_rate", "拨付率"
    FLOW_AMOUNT = "flow_amount", "资金流转金额"
    DUE_AMOUNT = "due_amount", "应发金额"
    PAID_AMOUNT = "paid_amount", "发放金额"
    RETURNED_AMOUNT = "returned_amount", "退回金额"
    PAYOUT_RATE = "payout_rate", "发放率"
    FUND_BALANCE = "fund_balance", "结余"
    DAYS_TO_PAY = "days_to_pay", "到账时长"
    LOAN_AMOUNT = "loan_amount", "助学贷款发放金额"
    LOAN_COUNT = "loan_count", "助学贷款笔数"
    LOAN_PERSONS = "loan_persons", "助学贷款人数"
    LOAN_BALANCE = "loan_balance", "助学贷款余额"

    PUBLISHED_GOVERNMENT_AMOUNT = "published_government_amount", "财政资助金额"
    PUBLISHED_CENTRAL_AMOUNT = "published_central_amount", "中央财政资助金额"
    PUBLISHED_LOCAL_AMOUNT = "published_local_amount", "地方财政资助金额"
    PUBLISHED_STAGE_AMOUNT = "published_stage_amount", "分学段财政资助金额"
    PUBLISHED_TOTAL_AMOUNT = "published_total_amount", "资助总额"
    PUBLISHED_PERSONS = "published_persons", "资助人数（发布值）"


OWNER = "全国学生资助管理中心"
DECLARED = date(2026, 9, 1)
"""When the definitions of this catalogue came into force. A changed definition is a new declaration."""


@dataclass(frozen=True)
class Metric:
    """The definition of a metric.

    `scope` is its 口径. `additive`: whether the values of parts add up to the whole. `expression` is None for
    what is published by others and read as it is (`published_feed`).
    """

    name: MetricName
    module: Module
    definition: str
    formula: str
    unit: Unit
    scope: str
    additive: bool
    expression: Expression | None = None
    published_feed: FeedName | None = None
    owner: str = OWNER
    valid_from: date = DECLARED
    valid_to: date | None = None

    @property
    def chinese(self) -> str:
        """The Chinese name."""
        return self.name.label

    @property
    def feeds(self) -> tuple[FeedName, ...]:
        """The feeds that it is computed from, in the order of its formula."""
        if self.expression is None:
            return () if self.published_feed is None else (self.published_feed,)
        return tuple(dict.fromkeys(cell.feed for cell in cells(self.expression)))

    @property
    def source(self) -> str:
        """The feeds in words."""
        return "数据源 " + "、".join(self.feeds)


@dataclass(frozen=True)
class Compared:
    """The definition of a comparison, which any metric can be asked with."""

    name: Comparison
    definition: str
    formula: str
    unit: str
    condition: str


COMPARISONS: dict[Comparison, Compared] = {
    one.name: one
    for one in (
        Compared(
            Comparison.YEAR_ON_YEAR,
            "与上年同期相比的变化。",
            "(本期 − 上年同期) ÷ 上年同期 × 100；比率类指标为 本期 − 上年同期",
            "%；比率类指标为百分点",
            "上年同期为零或没有数据时无值，不以 100% 代替。",
        ),
        Compared(
            Comparison.PREVIOUS_PERIOD,
            "与上一期相比的变化，仅用于学期：春季比上年秋季，秋季比当年春季。",
            "(本期 − 上期) ÷ 上期 × 100；比率类指标为 本期 − 上期",
            "%；比率类指标为百分点",
            "自然年、学年的上一期即上年，见同比；按全年发放的记录没有上一期。上期为零或没有数据时无值。",
        ),
        Compared(
            Comparison.CUMULATIVE,
            "所查各期中，自最早一期起到本期的合计。",
            "Σ 各期",
            "与指标相同",
            "仅用于可以相加的指标；人数不能跨期相加。",
        ),
        Compared(
            Comparison.SHARE,
            "同一单位、同一时期中，本行占所查各行合计的比例。",
            "本行 ÷ Σ 各行 × 100",
            "%",
            "仅用于可以相加的指标，且至少按一个维度查询；合计为零时无值。",
        ),
    )
}
