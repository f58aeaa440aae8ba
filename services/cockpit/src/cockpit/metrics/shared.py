"""Cells and words that several declarations use."""

from cockpit.cells.dimensions import Dimension
from cockpit.feeds.declarations import FeedName
from cockpit.metrics.expressions import Cell, Measure

AWARDS = "资助明细：逐笔资助记录统计；仅计入已生效的批次，已撤回的不计"
ENROLMENT = "在校生：学年内有学籍记录的学生，精确去重，含学年中休学、离校和毕业的"
LISTED = "困难学生：学年内任一部门名单或学校认定中的学生，精确去重"
PAYMENTS = "资金发放：按自然年度、逐笔发放记录统计，不计取消的记录"
FLOWS = (
    "资金流转：按自然年度、逐笔文件和拨付记录统计；只计跨越本辖区边界的资金，经过多级的只计一次；"
    "全国计中央转出的资金，因此不含地方自筹资金"
)
LOANS = "助学贷款：按自然年度、逐笔贷款统计"

AMOUNT = Cell(FeedName.AWARD, Measure.AMOUNT)
TIMES = Cell(FeedName.AWARD, Measure.TIMES)
PERSONS = Cell(FeedName.AWARD, Measure.PERSONS)
ENROLLED = Cell(FeedName.ENROLMENT, Measure.PERSONS)
RECOGNISED = Cell(FeedName.HARDSHIP, Measure.PERSONS)


def payment(measure: Measure, *states: str) -> Cell:
    """Return a measure of the payments in some states."""
    return Cell(FeedName.PAYMENT, measure, ((Dimension.PAYMENT_STATE, states),))


DUE = payment(Measure.AMOUNT, "due", "paid", "returned")
PAID = payment(Measure.AMOUNT, "paid")
