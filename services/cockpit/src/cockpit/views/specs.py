"""What the page of each module shows. A line here is all that a page needs to show more."""

from collections.abc import Mapping
from dataclasses import dataclass

from cockpit.cells.dimensions import Calendar, Dimension
from cockpit.feeds.declarations import FeedName
from cockpit.metrics.catalogue import MetricName, Module

_M = MetricName
_D = Dimension


@dataclass(frozen=True)
class Breakdown:
    """Some metrics by one or two dimensions."""

    by: tuple[Dimension, ...]
    metrics: tuple[MetricName, ...]


@dataclass(frozen=True)
class ViewSpec:
    """The page of a module.

    `calendars` begin with the usual one. Its periods are those of `feed`. `children` are the figures of each
    place below, `compared` those of them with 同比. `months` are shown month by month for a calendar year.
    """

    module: Module
    feed: FeedName
    calendars: tuple[Calendar, ...]
    key: tuple[MetricName, ...]
    trend: tuple[MetricName, ...]
    breakdowns: tuple[Breakdown, ...]
    children: tuple[MetricName, ...]
    compared: tuple[MetricName, ...]
    funnel: tuple[MetricName, ...] = ()
    months: tuple[MetricName, ...] = ()


_AID = (_M.AID_AMOUNT, _M.AID_PERSON_TIMES, _M.AID_PERSONS)
_OF_AWARDS = (Calendar.YEAR, Calendar.SCHOOL_YEAR, Calendar.TERM)
_HELP = (_M.RECOGNISED_PERSONS, _M.FULL_AID_RATE)

SPECS: Mapping[Module, ViewSpec] = {
    spec.module: spec
    for spec in (
        ViewSpec(
            Module.OVERVIEW,
            FeedName.AWARD,
            _OF_AWARDS,
            key=(*_AID, _M.AID_PER_PERSON, _M.ENROLLED_PERSONS, _M.COVERAGE, _M.PAYMENT_PROGRESS),
            trend=(*_AID, _M.AID_PER_PERSON),
            breakdowns=(
                Breakdown((_D.FUNDING,), _AID),
                Breakdown((_D.STAGE,), _AID),
                Breakdown((_D.SECTOR,), _AID),
                Breakdown((_D.PROGRAMME,), _AID),
            ),
            children=(*_AID, _M.AID_PER_PERSON, _M.ENROLLED_PERSONS, _M.COVERAGE, _M.PAYMENT_PROGRESS),
            compared=_AID,
        ),
        ViewSpec(
            Module.HARDSHIP,
            FeedName.HARDSHIP,
            (Calendar.SCHOOL_YEAR,),
            key=(
                *(_M.RECOGNISED_PERSONS, _M.RECOGNITION_RATE, _M.NEWLY_RECOGNISED),
                *(_M.NO_LONGER_RECOGNISED, _M.RECOGNISED_AND_AIDED, _M.RECOGNISED_NOT_AIDED),
                _M.FULL_AID_RATE,
            ),
            trend=(_M.RECOGNISED_PERSONS, _M.RECOGNITION_RATE),
            breakdowns=(
                Breakdown((_D.HARDSHIP_TYPE,), _HELP),
                Breakdown((_D.HARDSHIP_LEVEL,), _HELP),
                Breakdown((_D.HARDSHIP_TYPE, _D.HARDSHIP_LEVEL), (_M.RECOGNISED_PERSONS,)),
                Breakdown((_D.LIST_SOURCE,), (_M.RECOGNISED_PERSONS,)),
                Breakdown((_D.STAGE,), (_M.RECOGNISED_PERSONS, _M.RECOGNITION_RATE, _M.FULL_AID_RATE)),
            ),
            children=(
                *(_M.RECOGNISED_PERSONS, _M.RECOGNITION_RATE, _M.RECOGNISED_AND_AIDED),
                *(_M.RECOGNISED_NOT_AIDED, _M.FULL_AID_RATE),
            ),
            compared=(_M.RECOGNISED_PERSONS,),
        ),
        ViewSpec(
            Module.STUDENTS,
            FeedName.AWARD,
            _OF_AWARDS,
            key=(
                *(_M.AID_PERSONS, _M.AID_PERSON_TIMES, _M.AID_PER_PERSON, _M.AID_PER_TIME),
                *(_M.TIMES_PER_PERSON, _M.ENROLLED_PERSONS, _M.COVERAGE),
                *(_M.AIDED_BY_ONE, _M.AIDED_BY_TWO, _M.AIDED_BY_MORE),
            ),
            trend=(_M.AID_PERSONS, _M.AID_PERSON_TIMES, _M.AID_PER_PERSON),
            breakdowns=(
                Breakdown((_D.STAGE,), (_M.AID_PERSONS, _M.AID_PER_PERSON, _M.COVERAGE)),
                Breakdown((_D.PROGRAMME,), (_M.AID_PERSONS, _M.AID_PER_PERSON)),
                Breakdown((_D.STAGE, _D.PROGRAMME), (_M.AID_PERSONS, _M.AID_PER_PERSON)),
                Breakdown((_D.FUNDING,), (_M.AID_PERSONS, _M.AID_PER_PERSON)),
                Breakdown((_D.NATURE,), (_M.ENROLLED_PERSONS,)),
                Breakdown((_D.RESIDENCE,), (_M.ENROLLED_PERSONS,)),
                Breakdown((_D.BOARDING,), (_M.ENROLLED_PERSONS,)),
            ),
            children=(
                *(_M.AID_PERSONS, _M.AID_PERSON_TIMES, _M.AID_PER_PERSON, _M.TIMES_PER_PERSON),
                *(_M.ENROLLED_PERSONS, _M.COVERAGE),
            ),
            compared=(_M.AID_PERSONS, _M.AID_PERSON_TIMES),
        ),
        ViewSpec(
            Module.FUNDS,
            FeedName.AWARD,
            (Calendar.YEAR,),
            key=(
                *(_M.AID_AMOUNT, _M.CENTRAL_AID, _M.LOCAL_AID, _M.BANK_AID, _M.SCHOOL_AID, _M.SOCIAL_AID),
                *(_M.BUDGET_AMOUNT, _M.TRANSFER_AMOUNT, _M.RECLAIMED_AMOUNT, _M.TRANSFER_RATE),
                *(_M.DUE_AMOUNT, _M.PAID_AMOUNT, _M.RETURNED_AMOUNT, _M.PAYMENT_PROGRESS, _M.PAYOUT_RATE),
                *(_M.FUND_BALANCE, _M.DAYS_TO_PAY),
                *(_M.LOAN_AMOUNT, _M.LOAN_COUNT, _M.LOAN_PERSONS, _M.LOAN_BALANCE),
            ),
            trend=(_M.AID_AMOUNT, _M.BUDGET_AMOUNT, _M.TRANSFER_AMOUNT, _M.PAID_AMOUNT, _M.DAYS_TO_PAY),
            breakdowns=(
                Breakdown((_D.FUNDING,), (_M.AID_AMOUNT, _M.PAID_AMOUNT, _M.PAYMENT_PROGRESS)),
                Breakdown((_D.PROGRAMME,), (_M.AID_AMOUNT, _M.PAID_AMOUNT, _M.PAYMENT_PROGRESS)),
                Breakdown((_D.STAGE,), (_M.AID_AMOUNT, _M.PAID_AMOUNT, _M.DAYS_TO_PAY)),
                Breakdown((_D.FLOW_KIND, _D.FROM_LEVEL), (_M.FLOW_AMOUNT,)),
                Breakdown((_D.LOAN_KIND,), (_M.LOAN_AMOUNT, _M.LOAN_PERSONS)),
                Breakdown((_D.BANK,), (_M.LOAN_AMOUNT, _M.LOAN_PERSONS)),
            ),
            children=(
                *(_M.AID_AMOUNT, _M.BUDGET_AMOUNT, _M.TRANSFER_AMOUNT, _M.TRANSFER_RATE, _M.DUE_AMOUNT),
                *(_M.PAID_AMOUNT, _M.PAYMENT_PROGRESS, _M.FUND_BALANCE, _M.DAYS_TO_PAY),
            ),
            compared=(_M.AID_AMOUNT, _M.PAID_AMOUNT),
            funnel=(_M.BUDGET_AMOUNT, _M.TRANSFER_AMOUNT, _M.PAID_AMOUNT),
            months=(_M.DUE_AMOUNT, _M.PAID_AMOUNT, _M.LOAN_AMOUNT),
        ),
    )
}
