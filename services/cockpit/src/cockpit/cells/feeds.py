"""The feeds with cells: what their facts are summed by, and what is kept of it.

A grouping is kept because a page asks for it: persons do not add up, so that none follows from others. Each
costs space at every level. A change here needs a migration that has the cells of the feed built again
(docs/adr/0033-cells.md).
"""

from cockpit.cells.dimensions import Calendar, CellFeed, Dimension, Grouping, grouping
from cockpit.feeds.declarations import (
    AWARD,
    ENROLMENT,
    FUND_FLOW,
    HARDSHIP,
    LOAN,
    PAYMENT,
    FeedName,
)

_D = Dimension
WHOLE = grouping()
STAGE = grouping(_D.STAGE)
SECTOR = grouping(_D.SECTOR)


def _each(*dimensions: Dimension, within: Grouping = WHOLE) -> tuple[Grouping, ...]:
    return tuple(within | {one} for one in dimensions)


def _school_year(day: str) -> str:
    """Return the school year of a day. It begins on 1 September."""
    return f"toString(toYear({day}) - if(toMonth({day}) < 9, 1, 0))"


def _month(day: str) -> str:
    return f"formatDateTime({day}, '%Y-%m')"


_BY_TERM = (WHOLE, STAGE, *_each(_D.PROGRAMME, _D.FUNDING), *_each(_D.PROGRAMME, within=STAGE))
_AWARDS = (
    *_BY_TERM,
    SECTOR,
    *_each(_D.PROGRAMME, _D.FUNDING, within=SECTOR),
    *_each(_D.FUNDING, within=STAGE),
)
_SCHOOL_AWARDS = (WHOLE, STAGE, *_each(_D.FUNDING))
AWARDS = CellFeed(
    name=FeedName.AWARD,
    table=AWARD.table,
    columns={_D.STAGE: "stage", _D.PROGRAMME: "programme", _D.FUNDING: "funding"},
    # A spring belongs to the school year that began in the autumn before; what was granted for a whole year
    # (`year`) belongs to the school year that begins in it.
    periods={
        Calendar.YEAR: "toString(year)",
        Calendar.SCHOOL_YEAR: "toString(if(term = 'spring', year - 1, year))",
        Calendar.TERM: "concat(toString(year), '-', term)",
    },
    offices={Calendar.YEAR: _AWARDS, Calendar.SCHOOL_YEAR: _AWARDS, Calendar.TERM: _BY_TERM},
    schools={Calendar.YEAR: _SCHOOL_AWARDS},
    amount="amount",
)

_ENROLMENT = (
    WHOLE,
    STAGE,
    SECTOR,
    *_each(_D.NATURE, _D.RESIDENCE, _D.BOARDING, _D.ENROLMENT_STATE),
    *_each(_D.NATURE, _D.RESIDENCE, _D.BOARDING, _D.GRADE, within=STAGE),
)
ENROLMENTS = CellFeed(
    name=FeedName.ENROLMENT,
    table=ENROLMENT.table,
    columns={
        _D.STAGE: "stage",
        _D.NATURE: "nature",
        _D.RESIDENCE: "residence",
        _D.BOARDING: "boarding",
        _D.GRADE: "grade",
        _D.ENROLMENT_STATE: "state",
    },
    # A list of a school year: its persons are those who were enrolled in it at any time.
    periods={Calendar.SCHOOL_YEAR: "toString(year)"},
    offices={Calendar.SCHOOL_YEAR: _ENROLMENT},
    schools={Calendar.SCHOOL_YEAR: (WHOLE, STAGE)},
)

_HARDSHIP = (
    WHOLE,
    STAGE,
    SECTOR,
    *_each(_D.HARDSHIP_TYPE, _D.HARDSHIP_LEVEL, _D.LIST_SOURCE),
    *_each(_D.HARDSHIP_TYPE, _D.HARDSHIP_LEVEL, within=STAGE),
    *_each(_D.HARDSHIP_TYPE, _D.HARDSHIP_LEVEL, within=SECTOR),
    grouping(_D.HARDSHIP_TYPE, _D.HARDSHIP_LEVEL),
)
HARDSHIPS = CellFeed(
    name=FeedName.HARDSHIP,
    table=HARDSHIP.table,
    columns={
        _D.STAGE: "stage",
        _D.HARDSHIP_TYPE: "hardship_type",
        _D.HARDSHIP_LEVEL: "hardship_level",
        _D.LIST_SOURCE: "list_source",
    },
    periods={Calendar.SCHOOL_YEAR: "toString(year)"},
    offices={Calendar.SCHOOL_YEAR: _HARDSHIP},
    schools={Calendar.SCHOOL_YEAR: (WHOLE, STAGE, *_each(_D.HARDSHIP_LEVEL))},
)

_STATE = grouping(_D.PAYMENT_STATE)
_PAYMENTS = (
    WHOLE,
    _STATE,
    *_each(_D.STAGE, _D.SECTOR, _D.PROGRAMME, _D.FUNDING, within=_STATE),
    *_each(_D.PROGRAMME, _D.FUNDING, within=_STATE | SECTOR),
)
_PAYMENTS_OF_MONTH = (WHOLE, _STATE, *_each(_D.SECTOR, within=_STATE))
PAYMENTS = CellFeed(
    name=FeedName.PAYMENT,
    table=PAYMENT.table,
    columns={
        _D.STAGE: "stage",
        _D.PROGRAMME: "programme",
        _D.FUNDING: "funding",
        _D.PAYMENT_STATE: "state",
    },
    # By the day on which a payment is due, paid or not: what was due in a month, and how much of it is paid.
    periods={
        Calendar.YEAR: "toString(year)",
        Calendar.SCHOOL_YEAR: _school_year("due_on"),
        Calendar.MONTH: _month("due_on"),
    },
    dated=frozenset({Calendar.SCHOOL_YEAR, Calendar.MONTH}),
    offices={
        Calendar.YEAR: _PAYMENTS,
        Calendar.SCHOOL_YEAR: _PAYMENTS,
        Calendar.MONTH: _PAYMENTS_OF_MONTH,
    },
    schools={Calendar.YEAR: (WHOLE, _STATE)},
    amount="amount",
    # A record that reverses another takes it back in the state of both; what a pupil returned is an amount of
    # its own.
    sign="if(reversal_of != '' AND state != 'returned', -1, 1)",
    weight="toDecimal64(if(paid_on IS NULL, 0, dateDiff('day', due_on, assumeNotNull(paid_on))), 2)",
    weighs="days from the day due to the day paid, negative if paid before; 0 while unpaid",
)

_KIND = grouping(_D.FLOW_KIND)
_FLOWS = (
    WHOLE,
    _KIND,
    *_each(_D.PROGRAMME, _D.FUNDING, _D.TO_LEVEL, within=_KIND),
    grouping(_D.FLOW_KIND, _D.FROM_LEVEL, _D.TO_LEVEL),
    grouping(_D.FLOW_KIND, _D.FUNDING, _D.PROGRAMME),
)
FUND_FLOWS = CellFeed(
    name=FeedName.FUND_FLOW,
    table=FUND_FLOW.table,
    columns={
        _D.PROGRAMME: "programme",
        _D.FUNDING: "funding",
        _D.FLOW_KIND: "flow_kind",
        _D.FROM_LEVEL: "from_level",
        _D.TO_LEVEL: "to_level",
    },
    periods={Calendar.YEAR: "toString(year)", Calendar.MONTH: _month("moved_on")},
    dated=frozenset({Calendar.MONTH}),
    offices={Calendar.YEAR: _FLOWS, Calendar.MONTH: (WHOLE, _KIND, *_each(_D.TO_LEVEL, within=_KIND))},
    schools={Calendar.YEAR: (WHOLE, _KIND)},
    persons=False,
    amount="amount",
)

_LOANS = (
    WHOLE,
    STAGE,
    *_each(_D.LOAN_KIND, _D.BANK, _D.LOAN_STATE),
    *_each(_D.LOAN_KIND, within=STAGE),
    grouping(_D.LOAN_KIND, _D.BANK),
    grouping(_D.LOAN_KIND, _D.LOAN_STATE),
)
LOANS = CellFeed(
    name=FeedName.LOAN,
    table=LOAN.table,
    columns={_D.STAGE: "stage", _D.LOAN_KIND: "loan_kind", _D.BANK: "bank", _D.LOAN_STATE: "state"},
    periods={
        Calendar.YEAR: "toString(year)",
        Calendar.SCHOOL_YEAR: _school_year("granted_on"),
        Calendar.MONTH: _month("granted_on"),
    },
    dated=frozenset({Calendar.SCHOOL_YEAR, Calendar.MONTH}),
    offices={Calendar.YEAR: _LOANS, Calendar.SCHOOL_YEAR: _LOANS, Calendar.MONTH: (WHOLE,)},
    schools={Calendar.YEAR: (WHOLE, STAGE)},
    amount="amount",
    weight="balance",
    weighs="yuan still owed",
)

CELL_FEEDS: dict[str, CellFeed] = {
    feed.name.value: feed for feed in (AWARDS, ENROLMENTS, HARDSHIPS, PAYMENTS, FUND_FLOWS, LOANS)
}
"""By the name of the feed. Published tables have none: their lines are shown as they are."""
