"""The feeds, declared once: API, templates, validation, facts and `docs/feeds.md` read this."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from cockpit.feeds import columns as kinds
from cockpit.feeds import values
from cockpit.feeds.columns import Check, Column, choice
from cockpit.feeds.feed import ORIGIN_COLUMNS, Feed, FeedName
from contracts.vocabulary import Kind, Level

__all__ = ["AWARDING_KINDS", "AWARDING_LEVELS", "FEEDS", "ORIGIN_COLUMNS", "Feed", "FeedName", "feed_of"]

AWARDING_LEVELS = (Level.SCHOOL, Level.COUNTY)
AWARDING_KINDS = (Kind.SCHOOL, Kind.STUDENT_AID)
"""Whose records of students may be taken in: schools', and counties' aid offices'."""


def _not_before(later: pa.Array, earlier: pa.Array) -> pa.Array:
    return pc.greater_equal(later, earlier)


def _if_in(column: pa.Array, words: Sequence[str], then: pa.Array) -> pa.Array:
    return pc.or_(pc.invert(pc.is_in(column, pa.array(words))), then)


_FLOW_ORDER = pa.array(list(values.FLOW_LEVELS))

PUBLISHED_AGGREGATE = Feed(
    name=FeedName.PUBLISHED_AGGREGATE,
    meaning="年度报告等公布的表格，按公布的口径和数值保存，合计与分项并存，不与明细相加。",
    columns=(
        Column("year", "年度", kinds.YEAR, "2017"),
        Column(
            "scope",
            "口径",
            kinds.text("口径", 200),
            "资助总额,不含免费教科书和营养膳食",
            meaning="公布的统计范围",
        ),
        Column("stage", "学段", choice("学段", values.PUBLISHED_STAGES, "unknown_stage"), "义务教育"),
        Column(
            "funding",
            "资金来源",
            choice("资金来源", values.PUBLISHED_FUNDING, "unknown_funding"),
            "财政",
        ),
        Column("amount_100m_cny", "金额（亿元）", kinds.YI_YUAN, "179.1", fact="amount"),
        Column("share_percent", "占比（%）", kinds.PERCENT, "100", required=False),
        Column("persons_10k", "人数（万）", kinds.WAN_PERSONS, "1605", required=False, fact="persons"),
        Column(
            "person_times_10k",
            "人次（万）",
            kinds.WAN_PERSONS,
            "",
            required=False,
            fact="person_times",
        ),
        Column("programme", "资助项目", kinds.PROGRAMME, "", required=False, meaning="空为各项目合计"),
        Column(
            "region_group",
            "地区组",
            choice("地区组", values.REGION_GROUPS, "unknown_region_group"),
            "",
            required=False,
            meaning="空为全国",
        ),
        Column(
            "note",
            "备注",
            kinds.text("备注", 200),
            "",
            required=False,
            meaning="如“因四舍五入，分项之和与合计略有出入”",
        ),
    ),
    table="aggregate_facts",
    key=("year", "scope", "stage", "funding", "programme", "region_group"),
    editions=True,
    derived={"is_total": lambda row: pc.equal(row["stage"], values.TOTAL)},
)

_STUDENT = (
    Column("unit_code", "单位代码", kinds.UNIT, "3701020001", meaning="学生所在学校或县级资助管理部门"),
    Column("person_token", "人员标识", kinds.TOKEN, "kq3v9x2m7c5b8n1z4a6s0d"),
)

AWARD = Feed(
    name=FeedName.AWARD,
    meaning="每名学生每个项目的一笔资助。",
    columns=(
        Column("record_id", "记录编号", kinds.RECORD, "A2024-000001"),
        _STUDENT[0],
        Column("year", "年度", kinds.YEAR, "2024"),
        Column("term", "学期", kinds.TERM, "春季"),
        Column("stage", "学段", kinds.STAGE, "义务教育"),
        Column("programme", "资助项目", kinds.PROGRAMME, "义务教育家庭经济困难学生生活补助"),
        Column("funding", "资金来源", kinds.FUNDING, "中央财政"),
        _STUDENT[1],
        Column("amount", "金额（元）", kinds.YUAN, "625.00"),
    ),
    table="award_facts",
    key=("unit_code", "record_id"),
    scope="资助明细：按自然年度、逐笔发放记录统计",
    unit_column="unit_code",
)

ENROLMENT = Feed(
    name=FeedName.ENROLMENT,
    meaning="学年内在籍的学生，资助面、应助尽助率的分母。",
    columns=(
        *_STUDENT,
        Column("school_year", "学年", kinds.SCHOOL_YEAR, "2024-2025"),
        Column("stage", "学段", kinds.STAGE, "义务教育"),
        Column("grade", "年级", kinds.GRADE, "3"),
        Column("entered_on", "入学日期", kinds.DAY, "2022-09-01", meaning="在本校在籍的第一天"),
        Column(
            "left_on", "离校日期", kinds.DAY, "", required=False, meaning="在籍的最后一天；离校、毕业时必填"
        ),
        Column("state", "学籍状态", choice("学籍状态", values.ENROLMENT_STATES, "unknown_state"), "在籍在读"),
        Column("nature", "办学性质", choice("办学性质", values.NATURES, "unknown_nature"), "公办"),
        Column("residence", "城乡", choice("城乡", values.RESIDENCE, "unknown_residence"), "乡村"),
        Column("boarding", "是否寄宿", choice("是否寄宿", values.TRUTH, "unknown_boarding"), "是"),
    ),
    table="enrolment_facts",
    key=("unit_code", "person_token", "school_year", "entered_on"),
    year="school_year",
    checks=(
        Check("left_before_entered", "离校日期不应早于入学日期", ("left_on", "entered_on"), _not_before),
        Check(
            "left_on_missing",
            "离校或毕业的学生应有离校日期",
            ("left_on", "state"),
            lambda left, state: _if_in(state, ["left", "graduated"], pc.is_valid(left)),
        ),
        Check(
            "left_on_unexpected",
            "在籍在读的学生不应有离校日期",
            ("left_on", "state"),
            lambda left, state: _if_in(state, ["enrolled"], pc.is_null(left)),
        ),
    ),
    scope="在籍学生：按学年、学籍记录统计",
    unit_column="unit_code",
)

HARDSHIP = Feed(
    name=FeedName.HARDSHIP,
    meaning="各部门认定或学校认定的困难学生，按学年。",
    columns=(
        *_STUDENT,
        Column("school_year", "学年", kinds.SCHOOL_YEAR, "2024-2025"),
        Column("stage", "学段", kinds.STAGE, "普通高中"),
        Column(
            "list_source", "名单来源", choice("名单来源", values.HARDSHIP_SOURCES, "unknown_list"), "民政部门"
        ),
        Column(
            "hardship_type",
            "困难类型",
            choice("困难类型", values.HARDSHIP_TYPES, "unknown_hardship_type"),
            "孤儿",
        ),
        Column(
            "hardship_level",
            "困难等级",
            choice("困难等级", values.HARDSHIP_LEVELS, "unknown_hardship_level"),
            "特别困难",
        ),
        Column("valid_from", "认定日期", kinds.DAY, "2024-10-15"),
        Column("valid_to", "截止日期", kinds.DAY, "", required=False, meaning="最后一天；空为至学年结束"),
    ),
    table="hardship_facts",
    key=("unit_code", "person_token", "school_year", "list_source", "hardship_type", "valid_from"),
    year="school_year",
    checks=(Check("ends_before_start", "截止日期不应早于认定日期", ("valid_to", "valid_from"), _not_before),),
    scope="困难学生：按学年、各部门名单与学校认定统计",
    unit_column="unit_code",
)

PAYMENT = Feed(
    name=FeedName.PAYMENT,
    meaning="资助资金的发放，每笔一行，可与资助明细按其记录编号对应。",
    columns=(
        Column("record_id", "记录编号", kinds.RECORD, "P2024-000001"),
        Column(
            "award_record_id", "资助记录编号", kinds.RECORD, "A2024-000001", meaning="资助明细中的记录编号"
        ),
        _STUDENT[0],
        Column("year", "年度", kinds.YEAR, "2024"),
        Column("stage", "学段", kinds.STAGE, "义务教育"),
        Column("programme", "资助项目", kinds.PROGRAMME, "义务教育家庭经济困难学生生活补助"),
        Column("funding", "资金来源", kinds.FUNDING, "中央财政"),
        _STUDENT[1],
        Column("amount", "金额（元）", kinds.YUAN, "625.00"),
        Column("due_on", "应发日期", kinds.DAY, "2024-05-31"),
        Column(
            "paid_on",
            "发放日期",
            kinds.DAY,
            "2024-05-20",
            required=False,
            meaning="到账日期；已发放、退回时必填",
        ),
        Column("state", "发放状态", choice("发放状态", values.PAYMENT_STATES, "unknown_state"), "已发放"),
        Column("card_token", "收款账户标识", kinds.TOKEN, "", required=False),
        Column("reversal_of", "冲销的记录编号", kinds.RECORD, "", required=False),
    ),
    table="payment_facts",
    key=("unit_code", "record_id"),
    checks=(
        Check(
            "paid_on_missing",
            "已发放或退回的记录应有发放日期",
            ("paid_on", "state"),
            lambda paid, state: _if_in(state, ["paid", "returned"], pc.is_valid(paid)),
        ),
        Check(
            "paid_on_unexpected",
            "未发放的记录不应有发放日期",
            ("paid_on", "state"),
            lambda paid, state: _if_in(state, ["due", "cancelled"], pc.is_null(paid)),
        ),
        Check(
            "reverses_itself",
            "不能冲销本记录",
            ("reversal_of", "record_id"),
            lambda of, record: pc.not_equal(of, record),
        ),
    ),
    scope="资金发放：按自然年度、逐笔发放记录统计",
    unit_column="unit_code",
)

FUND_FLOW = Feed(
    name=FeedName.FUND_FLOW,
    meaning="资金在各级之间的下达、拨付、发放和收回。",
    columns=(
        Column("record_id", "记录编号", kinds.RECORD, "F2024-0001"),
        Column("document_number", "文号", kinds.DOCUMENT, "教财〔2024〕16号"),
        Column(
            "unit_code", "单位代码", kinds.UNIT, "370102", meaning="收到资金的单位；收回时为退出资金的单位"
        ),
        Column("year", "年度", kinds.YEAR, "2024"),
        Column("programme", "资助项目", kinds.PROGRAMME, "普通高中国家助学金"),
        Column("funding", "资金来源", kinds.FUNDING, "中央财政"),
        Column("flow_kind", "环节", choice("环节", values.FLOW_KINDS, "unknown_flow_kind"), "拨付"),
        Column("from_level", "转出层级", choice("转出层级", values.FLOW_LEVELS, "unknown_level"), "市级"),
        Column("to_level", "转入层级", choice("转入层级", values.FLOW_LEVELS, "unknown_level"), "县级"),
        Column("amount", "金额（元）", kinds.LARGE_YUAN, "1200000.00"),
        Column("moved_on", "日期", kinds.DAY, "2024-04-10"),
    ),
    table="fund_flow_facts",
    key=("unit_code", "record_id"),
    checks=(
        Check(
            "wrong_direction",
            "资金应由上级转入下级（发放可在同级），收回则相反",
            ("from_level", "to_level", "flow_kind"),
            lambda sent, received, kind: pc.if_else(
                pc.equal(kind, "return"),
                pc.greater(pc.index_in(sent, _FLOW_ORDER), pc.index_in(received, _FLOW_ORDER)),
                pc.or_(
                    pc.less(pc.index_in(sent, _FLOW_ORDER), pc.index_in(received, _FLOW_ORDER)),
                    pc.and_(pc.equal(kind, "payment"), pc.equal(sent, received)),
                ),
            ),
        ),
    ),
    scope="资金流转：按自然年度、逐笔文件和拨付记录统计",
    unit_column="unit_code",
    any_unit=True,
)

LOAN = Feed(
    name=FeedName.LOAN,
    meaning="国家助学贷款的发放与余额，每笔一行。",
    columns=(
        Column("record_id", "记录编号", kinds.RECORD, "L2024-000001"),
        *_STUDENT,
        Column("year", "年度", kinds.YEAR, "2024"),
        Column("stage", "学段", kinds.STAGE, "本科"),
        Column(
            "loan_kind",
            "贷款类型",
            choice("贷款类型", values.LOAN_KINDS, "unknown_loan_kind"),
            "生源地助学贷款",
        ),
        Column("bank", "经办银行", choice("经办银行", values.BANKS, "unknown_bank"), "国家开发银行"),
        Column("amount", "发放金额（元）", kinds.YUAN, "12000.00"),
        Column("granted_on", "发放日期", kinds.DAY, "2024-09-20"),
        Column("balance", "余额（元）", kinds.BALANCE, "12000.00"),
        Column("state", "贷款状态", choice("贷款状态", values.LOAN_STATES, "unknown_state"), "已发放"),
    ),
    table="loan_facts",
    key=("unit_code", "record_id"),
    checks=(
        Check(
            "balance_above_amount",
            "余额不应大于发放金额",
            ("balance", "amount"),
            lambda left, amount: pc.less_equal(left, amount),
        ),
        Check(
            "settled_with_balance",
            "已结清的贷款余额应为零",
            ("balance", "state"),
            lambda left, state: _if_in(state, ["settled"], pc.equal(left, 0)),
        ),
    ),
    scope="助学贷款：按自然年度、逐笔贷款统计",
    unit_column="unit_code",
)

FEEDS: dict[FeedName, Feed] = {
    feed.name: feed for feed in (PUBLISHED_AGGREGATE, AWARD, ENROLMENT, HARDSHIP, PAYMENT, FUND_FLOW, LOAN)
}


def feed_of(name: str) -> Feed:
    """Return the feed of a stored batch."""
    return next(feed for feed in FEEDS.values() if feed.name == name)
