"""The words of cells: calendars, trees, dimensions, and what a feed declares. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from cockpit.feeds.declarations import FeedName
from contracts.vocabulary import Stage, Vocabulary


class Calendar(Vocabulary):
    """The kinds of periods (a figure of one never compares with one of another).

    Every period begins with its year: `2024`, the school year `2024` (2024–2025), `2024-spring`, `2024-03`.
    """

    YEAR = "year", "自然年"
    SCHOOL_YEAR = "school_year", "学年"
    TERM = "term", "学期"
    MONTH = "month", "月"


class Tree(Vocabulary):
    """The trees along which figures are summed."""

    AUTHORITY = "authority", "隶属"
    TERRITORY = "territory", "属地"


class Sector(Vocabulary):
    """The three cockpits (基础、职业、高等教育)."""

    BASIC = "basic", "基础教育"
    VOCATIONAL = "vocational", "职业教育"
    HIGHER = "higher", "高等教育"


SECTOR_OF: Mapping[str, str] = {
    Stage.PRESCHOOL.value: Sector.BASIC.value,
    Stage.COMPULSORY.value: Sector.BASIC.value,
    Stage.GENERAL_HIGH.value: Sector.BASIC.value,
    Stage.SECONDARY_VOCATIONAL.value: Sector.VOCATIONAL.value,
    Stage.HIGHER_VOCATIONAL.value: Sector.HIGHER.value,
    Stage.UNDERGRADUATE.value: Sector.HIGHER.value,
    Stage.MASTER.value: Sector.HIGHER.value,
    Stage.DOCTOR.value: Sector.HIGHER.value,
}
"""The sector of each stage. 高等职业教育 is higher education, as in the annual reports on aid (高校)."""


class Dimension(Vocabulary):
    """What cells tell apart inside a place and a period."""

    STAGE = "stage", "学段"
    SECTOR = "sector", "教育类别"
    PROGRAMME = "programme", "资助项目"
    FUNDING = "funding", "资金来源"
    HARDSHIP_TYPE = "hardship_type", "困难类型"
    HARDSHIP_LEVEL = "hardship_level", "困难等级"
    LIST_SOURCE = "list_source", "名单来源"
    NATURE = "nature", "办学性质"
    RESIDENCE = "residence", "城乡"
    BOARDING = "boarding", "是否寄宿"
    GRADE = "grade", "年级"
    ENROLMENT_STATE = "enrolment_state", "学籍状态"
    LOAN_KIND = "loan_kind", "贷款类型"
    LOAN_STATE = "loan_state", "贷款状态"
    BANK = "bank", "经办银行"
    FLOW_KIND = "flow_kind", "环节"
    FROM_LEVEL = "from_level", "转出层级"
    TO_LEVEL = "to_level", "转入层级"
    PAYMENT_STATE = "payment_state", "发放状态"


Grouping = frozenset[Dimension]
Combination = tuple[tuple[str, str], ...]
"""The values of the dimensions of a grouping, by their names: `(("programme", "…"), ("stage", "…"))`."""


def grouping(*dimensions: Dimension) -> Grouping:
    """Return the grouping of some dimensions."""
    return frozenset(dimensions)


def name_of(dimensions: Grouping) -> str:
    """Return the name under which a grouping is stored: `programme,stage`, empty for the undivided one."""
    return ",".join(sorted(one.value for one in dimensions))


@dataclass(frozen=True)
class CellFeed:
    """A feed with cells, declared once in `cockpit.cells.feeds`.

    `columns` has the column of the facts for each dimension that they have; the sector follows from the
    stage. `periods` has the period of a fact in each calendar that makes sense for the feed, `dated` those
    that a date of the fact decides and not its year. `offices` and `schools` are the groupings kept. All
    others are expressions over the columns of a fact: `amount` in yuan, `sign` 1 or -1 besides that of the
    fact, `weight` one more exact sum with the meaning `weighs`.
    """

    name: FeedName
    table: str
    columns: Mapping[Dimension, str]
    periods: Mapping[Calendar, str]
    offices: Mapping[Calendar, tuple[Grouping, ...]]
    schools: Mapping[Calendar, tuple[Grouping, ...]]
    persons: bool = True
    amount: str = "toDecimal64(0, 2)"
    weight: str = "toDecimal64(0, 2)"
    weighs: str = ""
    sign: str = "1"
    dated: frozenset[Calendar] = frozenset()

    def kept(self, calendar: Calendar, *, school: bool) -> tuple[Grouping, ...]:
        """Return the groupings kept for a place in a calendar, none if the feed has no such periods."""
        return (self.schools if school else self.offices).get(calendar, ())
