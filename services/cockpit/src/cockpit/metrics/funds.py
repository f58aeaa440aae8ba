"""The metrics of 资助资金."""

from cockpit.cells.dimensions import Dimension
from cockpit.feeds.declarations import FeedName
from cockpit.metrics.catalogue import Metric, MetricName, Module
from cockpit.metrics.expressions import Border, Cell, Less, Measure, Ratio
from cockpit.metrics.figures import Unit
from cockpit.metrics.shared import AWARDS, DUE, FLOWS, LOANS, PAID, PAYMENTS, payment


def _flow(kind: str, border: Border) -> Cell:
    return Cell(FeedName.FUND_FLOW, Measure.AMOUNT, ((Dimension.FLOW_KIND, (kind,)),), border)


def _funded(funding: str) -> Cell:
    return Cell(FeedName.AWARD, Measure.AMOUNT, ((Dimension.FUNDING, (funding,)),))


_BUDGET = _flow("budget", Border.ENTERING)
_TRANSFER = _flow("transfer", Border.ENTERING)
_RECLAIMED = _flow("return", Border.LEAVING)


_FUNDING = (
    (MetricName.CENTRAL_AID, "central", "中央财政"),
    (MetricName.LOCAL_AID, "local", "地方财政（省、市、县合计）"),
    (MetricName.BANK_AID, "bank", "银行"),
    (MetricName.SCHOOL_AID, "school", "学校"),
    (MetricName.SOCIAL_AID, "social", "社会"),
)

FUNDS = (
    *(
        Metric(
            name,
            Module.FUNDS,
            f"资金来源为{source}的资助金额。",
            f"sum(金额)，资金来源={source}",
            Unit.YUAN,
            AWARDS,
            additive=True,
            expression=_funded(funding),
        )
        for name, funding, source in _FUNDING
    ),
    Metric(
        MetricName.BUDGET_AMOUNT,
        Module.FUNDS,
        "上级下达给本辖区的资金指标。",
        "sum(金额)，环节=下达，转出层级高于本级",
        Unit.YUAN,
        FLOWS,
        additive=False,
        expression=_BUDGET,
    ),
    Metric(
        MetricName.TRANSFER_AMOUNT,
        Module.FUNDS,
        "上级拨付到本辖区的资金。",
        "sum(金额)，环节=拨付，转出层级高于本级",
        Unit.YUAN,
        FLOWS,
        additive=False,
        expression=_TRANSFER,
    ),
    Metric(
        MetricName.RECLAIMED_AMOUNT,
        Module.FUNDS,
        "上级从本辖区收回的资金。",
        "sum(金额)，环节=收回，转入层级高于本级",
        Unit.YUAN,
        FLOWS,
        additive=False,
        expression=_RECLAIMED,
    ),
    Metric(
        MetricName.TRANSFER_RATE,
        Module.FUNDS,
        "下达的资金中已拨付的比例。",
        "拨付金额 ÷ 下达金额 × 100",
        Unit.PERCENT,
        FLOWS,
        additive=False,
        expression=Ratio(_TRANSFER, _BUDGET, percent=True),
    ),
    Metric(
        MetricName.FLOW_AMOUNT,
        Module.FUNDS,
        "本辖区各单位收到（收回时为退出）的资金，可按环节、层级、项目和来源查询。",
        "sum(金额)",
        Unit.YUAN,
        "资金流转：按自然年度、逐笔文件和拨付记录统计；同一笔资金每经一级计一次",
        additive=True,
        expression=Cell(FeedName.FUND_FLOW, Measure.AMOUNT),
    ),
    Metric(
        MetricName.DUE_AMOUNT,
        Module.FUNDS,
        "应发给学生的资金。",
        "sum(金额)，发放状态=应发、已发放或退回",
        Unit.YUAN,
        PAYMENTS,
        additive=True,
        expression=DUE,
    ),
    Metric(
        MetricName.PAID_AMOUNT,
        Module.FUNDS,
        "已发放给学生的资金。",
        "sum(金额)，发放状态=已发放",
        Unit.YUAN,
        PAYMENTS,
        additive=True,
        expression=PAID,
    ),
    Metric(
        MetricName.RETURNED_AMOUNT,
        Module.FUNDS,
        "发放后由银行退回的资金。",
        "sum(金额)，发放状态=退回",
        Unit.YUAN,
        PAYMENTS,
        additive=True,
        expression=payment(Measure.AMOUNT, "returned"),
    ),
    Metric(
        MetricName.PAYOUT_RATE,
        Module.FUNDS,
        "拨付到本辖区的资金中已发放给学生的比例。",
        "发放金额 ÷ 拨付金额 × 100",
        Unit.PERCENT,
        f"{FLOWS}。{PAYMENTS}。发放含本辖区自筹资金，因此可超过 100",
        additive=False,
        expression=Ratio(PAID, _TRANSFER, percent=True),
    ),
    Metric(
        MetricName.FUND_BALANCE,
        Module.FUNDS,
        "拨付到本辖区、尚未发放也未收回的资金；负数表示以自筹资金发放或垫付的部分。",
        "拨付金额 − 收回金额 − 发放金额",
        Unit.YUAN,
        f"{FLOWS}。{PAYMENTS}。没有拨付记录的无值；按自然年，不含以前年度的结转",
        additive=False,
        expression=Less(_TRANSFER, (_RECLAIMED, PAID), given=_TRANSFER),
    ),
    Metric(
        MetricName.DAYS_TO_PAY,
        Module.FUNDS,
        "已发放的记录从应发日期到发放日期的平均天数，负数表示提前。",
        "Σ(发放日期 − 应发日期) ÷ 已发放的笔数",
        Unit.DAYS,
        PAYMENTS,
        additive=False,
        expression=Ratio(payment(Measure.WEIGHT, "paid"), payment(Measure.TIMES, "paid")),
    ),
    Metric(
        MetricName.LOAN_AMOUNT,
        Module.FUNDS,
        "发放的国家助学贷款金额。",
        "sum(发放金额)",
        Unit.YUAN,
        LOANS,
        additive=True,
        expression=Cell(FeedName.LOAN, Measure.AMOUNT),
    ),
    Metric(
        MetricName.LOAN_COUNT,
        Module.FUNDS,
        "发放的国家助学贷款笔数。",
        "count(贷款记录)",
        Unit.LOANS,
        LOANS,
        additive=True,
        expression=Cell(FeedName.LOAN, Measure.TIMES),
    ),
    Metric(
        MetricName.LOAN_PERSONS,
        Module.FUNDS,
        "获得国家助学贷款的学生人数。",
        "count(distinct 贷款的人员标识)，精确去重",
        Unit.PERSONS,
        LOANS,
        additive=False,
        expression=Cell(FeedName.LOAN, Measure.PERSONS),
    ),
    Metric(
        MetricName.LOAN_BALANCE,
        Module.FUNDS,
        "该年度发放的国家助学贷款的余额。",
        "sum(余额)",
        Unit.YUAN,
        LOANS,
        additive=True,
        expression=Cell(FeedName.LOAN, Measure.WEIGHT),
    ),
)
