"""Facts of the six feeds about the same persons: who is enrolled, listed, aided, paid; where money came from.

Awards come first (`onebox.facts.awards`). Who is aided is enrolled and, for programmes by need, listed;
others are enrolled without aid. Each award is paid around the day when it is due, and the money came down
through province, city and county before. What breaks these rules is planted, and has its kind beside it.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from cockpit.feeds.declarations import FeedName
from contracts.vocabulary import Level
from onebox.facts.awards import Aided, Award, Division, Unit, aided, divisions, school_code

TODAY = date(2026, 11, 20)
"""What is due later has not been paid."""
BY_NEED = frozenset(
    {
        *("preschool_aid", "living_allowance", "high_school_grant", "vocational_grant"),
        *("undergraduate_grant", "inspirational_scholarship"),
    }
)
TYPES = (
    *(("minimum_living", 24.0), ("low_income", 22.0), ("disabled_parents", 9.0), ("unstable", 8.0)),
    *(("marginal", 7.0), ("disabled", 6.0), ("sudden", 5.0), ("extreme_poverty", 3.0), ("orphan", 3.0)),
    *(("no_guardian", 3.0), ("martyr", 0.2), ("other", 9.8)),
)
SOURCES = {
    "minimum_living": "civil_affairs",
    "extreme_poverty": "civil_affairs",
    "orphan": "civil_affairs",
    "no_guardian": "civil_affairs",
    "low_income": "civil_affairs",
    "unstable": "rural_revitalisation",
    "marginal": "rural_revitalisation",
    "sudden": "rural_revitalisation",
    "disabled": "disabled_federation",
    "disabled_parents": "disabled_federation",
    "martyr": "veterans_affairs",
    "other": "school",
}
LEVELS = (("severe", 0.3), ("hard", 0.45), ("mild", 0.25))
WRONG = 500
"""One of so many persons, payments and flows breaks a rule."""


class Enrolment(NamedTuple):
    """A row of the feed `enrolment`."""

    unit_code: str
    person_token: str
    school_year: int
    stage: str
    grade: str
    entered_on: str
    state: str
    nature: str
    residence: str
    boarding: str


class Hardship(NamedTuple):
    """A row of the feed `hardship`."""

    unit_code: str
    person_token: str
    school_year: int
    stage: str
    list_source: str
    hardship_type: str
    hardship_level: str
    valid_from: str


class Payment(NamedTuple):
    """A row of the feed `payment`."""

    record_id: str
    award_record_id: str
    unit_code: str
    year: int
    stage: str
    programme: str
    funding: str
    person_token: str
    amount: int
    due_on: str
    paid_on: str
    state: str


class FundFlow(NamedTuple):
    """A row of the feed `fund_flow`."""

    record_id: str
    document_number: str
    unit_code: str
    year: int
    programme: str
    funding: str
    flow_kind: str
    from_level: str
    to_level: str
    amount: int
    moved_on: str


class Loan(NamedTuple):
    """A row of the feed `loan`."""

    record_id: str
    unit_code: str
    person_token: str
    year: int
    stage: str
    loan_kind: str
    bank: str
    amount: int
    granted_on: str
    balance: Decimal
    state: str


Row = Award | Enrolment | Hardship | Payment | FundFlow | Loan
ROWS: dict[FeedName, type[Row]] = {
    FeedName.AWARD: Award,
    FeedName.ENROLMENT: Enrolment,
    FeedName.HARDSHIP: Hardship,
    FeedName.PAYMENT: Payment,
    FeedName.FUND_FLOW: FundFlow,
    FeedName.LOAN: Loan,
}


class Made(NamedTuple):
    """A generated row: the province, city or county whose batch it belongs to, and what is wrong with it."""

    feed: FeedName
    place: str
    row: Row
    planted: str | None = None


def facts(
    count: int, seed: int, schools: int = 0, within: str = "", unit: Unit = school_code
) -> Iterator[Made]:
    """Yield the rows of all feeds for `count` awards, county by county, those of `awards` among them.

    At the end come the flows of money into cities and provinces.
    """
    flows = Flows(seed, {one.code: one for one in divisions()})
    for person in aided(count, seed, schools, within, unit):
        yield from flows.left(person.county)
        yield from _person(person, random.Random(f"{seed}/{person.token}"))
        flows.add(person)
    yield from flows.all()


def _school_years(person: Aided) -> list[int]:
    return sorted({award.year - (award.term == "spring") for award, _ in person.awards})


def _person(person: Aided, chance: random.Random) -> Iterator[Made]:
    county = person.county
    wrong = chance.choice(("not_listed", "not_enrolled")) if chance.random() < 1 / WRONG else None
    years = _school_years(person)
    stage = person.programme.stage
    if wrong != "not_enrolled":
        yield from _enrolled(person, person.token, years, chance)
    if person.programme.name in BY_NEED and wrong != "not_listed":
        yield from _listed(person, person.token, years, chance)
    for award, kind in person.awards:
        yield Made(FeedName.AWARD, county, award, kind or (wrong and f"aided_{wrong}"))
        yield from _paid(county, award, chance)
    if stage in {"undergraduate", "master"} and chance.random() < 0.2:
        yield from (_loan(person, year, chance) for year in years)
    # Others at the school who have no aid, of whom some are listed nevertheless: 应助未助.
    for number in range(chance.randint(1, 4)):
        token = f"{person.token}n{number}"
        yield from _enrolled(person, token, years, chance)
        if chance.random() < 0.02:
            for made in _listed(person, token, years, chance):
                yield made._replace(planted="listed_not_aided")


def _enrolled(person: Aided, token: str, years: list[int], chance: random.Random) -> Iterator[Made]:
    school = random.Random(person.unit)
    nature = "private" if school.random() < 0.12 else "public"
    residence = school.choices(("urban", "town", "rural"), (0.4, 0.38, 0.22))[0]
    boarding = "yes" if chance.random() < 0.35 else "no"
    grade = chance.randint(1, 3)
    for year in years:
        row = Enrolment(
            person.unit,
            token,
            year,
            person.programme.stage,
            str(min(9, grade + year - years[0])),
            f"{years[0]}-09-01",
            "suspended" if chance.random() < 0.005 else "enrolled",
            nature,
            residence,
            boarding,
        )
        yield Made(FeedName.ENROLMENT, person.county, row)


def _listed(person: Aided, token: str, years: list[int], chance: random.Random) -> Iterator[Made]:
    kind = chance.choices([name for name, _ in TYPES], [weight for _, weight in TYPES])[0]
    level = chance.choices([name for name, _ in LEVELS], [weight for _, weight in LEVELS])[0]
    for year in years:
        row = Hardship(
            person.unit,
            token,
            year,
            person.programme.stage,
            SOURCES[kind],
            kind,
            level,
            f"{year}-10-{chance.randint(8, 28):02d}",
        )
        yield Made(FeedName.HARDSHIP, person.county, row)


DUE = {"spring": (5, 31), "autumn": (11, 30), "year": (12, 10)}


def _paid(county: str, award: Award, chance: random.Random) -> Iterator[Made]:
    due = date(award.year, *DUE[award.term])
    paid: date | None = due + timedelta(days=round(chance.gauss(4, 6)))
    kind, state, drawn = None, "paid", chance.random()
    if drawn < 1 / WRONG:
        kind, paid = "paid_late", due + timedelta(days=chance.randint(60, 150))
    elif drawn < 0.012:
        state = "returned"
    elif drawn < 0.02:
        state, paid = "cancelled", None
    if paid is not None and paid > TODAY:
        kind, state, paid = None, "due", None
    row = payment_of(award, due, paid, state)
    yield Made(FeedName.PAYMENT, county, row, kind)
    if kind is None and state == "paid" and chance.random() < 1 / WRONG:
        yield Made(FeedName.PAYMENT, county, row._replace(record_id=f"P{award.record_id}B"), "paid_twice")


def payment_of(award: Award, due: date, paid: date | None, state: str) -> Payment:
    """Return the payment of an award, which has the award's number after a P."""
    return Payment(
        f"P{award.record_id}",
        award.record_id,
        award.unit_code,
        award.year,
        award.stage,
        award.programme,
        award.funding,
        award.person_token,
        award.amount,
        str(due),
        "" if paid is None else str(paid),
        state,
    )


def _loan(person: Aided, year: int, chance: random.Random) -> Made:
    amount = chance.choice((8_000, 12_000, 16_000, 20_000))
    state = chance.choices(("granted", "repaying", "settled", "overdue"), (0.7, 0.2, 0.08, 0.02))[0]
    share = {"granted": 100, "repaying": chance.randint(30, 95), "settled": 0, "overdue": 60}[state]
    row = Loan(
        f"L{person.token}-{year}",
        person.unit,
        person.token,
        year,
        person.programme.stage,
        "origin" if chance.random() < 0.8 else "campus",
        chance.choices(("cdb", "rcc", "other"), (0.86, 0.1, 0.04))[0],
        amount,
        f"{year}-09-{chance.randint(10, 28):02d}",
        Decimal(amount * share) / 100,
        state,
    )
    return Made(FeedName.LOAN, person.county, row)


MOVED = {
    "spring": ((1, 20), (3, 5), (4, 8)),
    "autumn": ((7, 25), (9, 10), (10, 15)),
    "year": ((8, 1), (9, 20), (10, 20)),
}
"""When money moves into provinces, cities and counties for a term."""
LEVEL = ("province", "city", "county")
Budget = tuple[int, str, str, str]
"""Year, term, programme, source of funds."""


class Flows:
    """The money for awards, summed up from the counties; `tree` has those through which it comes down."""

    def __init__(self, seed: int, tree: Mapping[str, Division]) -> None:
        self._seed = seed
        self._divisions = tree
        self._sums: dict[str, dict[Budget, int]] = defaultdict(lambda: defaultdict(int))
        self._county = ""

    def add(self, person: Aided) -> None:
        """Count the awards of a person as they should be."""
        self._county = person.county
        for award, _ in person.awards:
            if award.funding in {"central", "local"}:
                key = award.year, award.term, award.programme, award.funding
                self._sums[person.county][key] += person.programme.amount(award.year, award.term)

    def left(self, county: str) -> Iterator[Made]:
        """Yield the flows into the county before, if this is the next one."""
        if self._county and county != self._county:
            yield from self._into(self._county)
        self._county = county

    def all(self) -> Iterator[Made]:
        """Yield the flows into what is left: the last county, then all cities and provinces."""
        if self._county:
            yield from self._into(self._county)
        for level in ("city", "province"):
            for code in [code for code in self._sums if self._divisions[code].level == level]:
                yield from self._into(code)

    def _into(self, code: str) -> Iterator[Made]:
        here = self._divisions[code]
        chance = random.Random(f"{self._seed}/flows/{code}")
        above = self._divisions.get(here.parent)
        for number, (key, sum_) in enumerate(sorted(self._sums.pop(code, {}).items())):
            year, term, programme, funding = key
            if above is not None:
                self._sums[above.code][key] += sum_
            month, day = MOVED[term][LEVEL.index(here.level)]
            moved = date(year, month, day) + timedelta(days=chance.randint(-10, 10))
            if moved > TODAY:
                continue
            wrong = above is not None and chance.random() < 1 / WRONG
            sender = "central" if above is None else above.level
            row = FundFlow(
                f"F{code}-{number:05d}",
                f"财教〔{year}〕{chance.randint(1, 180)}号",
                code,
                year,
                programme,
                funding,
                "budget" if above is None else "transfer",
                sender,
                here.level,
                # With something in hand, in thousands; what is withheld does not arrive.
                (sum_ * (70 if wrong else 102) // 100_000 + 1) * 1_000,
                str(moved),
            )
            yield Made(FeedName.FUND_FLOW, code, row, "withheld" if wrong else None)
            if here.level == Level.COUNTY and sum_:
                spent = row._replace(
                    record_id=f"F{code}-{number:05d}P",
                    flow_kind="payment",
                    from_level="county",
                    to_level="school",
                    amount=sum_,
                    moved_on=str(min(TODAY, moved + timedelta(days=30))),
                )
                yield Made(FeedName.FUND_FLOW, code, spent)
