"""Which standard holds on a day and in a period, and how an amount per head compares with it."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.feeds.values import PROGRAMMES, STAGES
from cockpit.standards import rules
from cockpit.standards.planting import rows
from cockpit.standards.rules import Basis, Book, Calendar, Certainty, Compared, Level, Tier, Version

COLUMNS = Version.__dataclass_fields__
PLANTED = [Version(**{name: value for name, value in row.items() if name in COLUMNS}) for row in rows()]
BOOK = Book(PLANTED)


def version(**changes: object) -> Version:
    values: dict[str, object] = {
        "programme": "high_school_grant",
        "stage": "general_high",
        "tier": Tier.NONE,
        "region": rules.COUNTRY,
        "valid_from": None,
        "valid_to": None,
        "basis": Basis.TERMS,
        "certainty": Certainty.VERIFIED,
        "amount": Decimal(2000),
        **changes,
    }
    return Version(**values)  # type: ignore[arg-type]


def amount(programme: str, calendar: Calendar, period: str, **more: str) -> Decimal | None:
    level = BOOK.over(programme, calendar, period, **more)  # type: ignore[arg-type]
    return None if level is None else level.amount


def test_the_standards_of_the_package_are_known_words_and_do_not_overlap() -> None:
    assert len({row["seed"] for row in rows()}) == len(PLANTED)
    for one in PLANTED:
        assert one.programme in PROGRAMMES
        assert one.stage in STAGES
        assert one.source or one.certainty is Certainty.UNVERIFIED
    assert not [pair for pair in combinations(PLANTED, 2) if rules.overlap(*pair)]


@pytest.mark.parametrize(
    ("calendar", "period", "expected"),
    [
        (Calendar.TERM, "2024-autumn", 1000),
        (Calendar.TERM, "2025-spring", 1150),
        (Calendar.SCHOOL_YEAR, "2023", 2000),
        # Autumn 2024 by the old standard, spring 2025 by the new one.
        (Calendar.SCHOOL_YEAR, "2024", 2150),
        (Calendar.YEAR, "2025", 2300),
        (Calendar.TERM, "2024-year", 2150),
    ],
)
def test_a_period_is_composed_of_its_terms(calendar: Calendar, period: str, expected: int) -> None:
    assert amount("high_school_grant", calendar, period) == expected


def test_a_period_in_which_the_standard_changes_says_so() -> None:
    straddling = BOOK.over("high_school_grant", Calendar.SCHOOL_YEAR, "2024")
    plain = BOOK.over("high_school_grant", Calendar.SCHOOL_YEAR, "2025")
    assert straddling is not None
    assert plain is not None
    assert (straddling.straddles, plain.straddles) == (True, False)


def test_what_is_paid_once_counts_in_the_autumn() -> None:
    assert amount("national_scholarship", Calendar.YEAR, "2024", stage="undergraduate") == 10_000
    assert amount("national_scholarship", Calendar.TERM, "2024-spring", stage="undergraduate") is None
    new = Book([version(basis=Basis.ONCE, valid_from=date(2025, 9, 1))])
    level = new.over("high_school_grant", Calendar.YEAR, "2025")
    assert level is not None
    assert level.amount == 2000


def test_a_standard_by_days_counts_for_its_days() -> None:
    assert amount("nutrition", Calendar.YEAR, "2021") == Decimal("0.5") * 200 * (4 + 5)


def test_several_tiers_give_the_range_between_them() -> None:
    level = BOOK.over("living_allowance", Calendar.YEAR, "2024", stage="compulsory")
    assert level is not None
    # The spring began after the change: four tiers from 625 to 1,500.
    assert level.amount is None
    assert [level.lowest, level.highest] == [625, 1500]
    assert level.certain is False
    tier = BOOK.over("living_allowance", Calendar.YEAR, "2024", tier=Tier.JUNIOR_BOARDING)
    assert tier is not None
    assert tier.amount == 1500


def test_the_standard_of_the_smallest_region_decides() -> None:
    book = Book([version(), version(region="370000", amount=Decimal(2500)), version(region="370102")])

    def at(region: str) -> str:
        (found,) = book.on("high_school_grant", date(2024, 3, 1), region=region)
        return found.region

    assert [at(region) for region in ("370102", "370103", "370100", "110101")] == [
        "370102",
        "370000",
        "370000",
        "000000",
    ]


def test_a_standard_for_the_stage_goes_before_one_for_all() -> None:
    book = Book([version(stage=rules.EVERY), version(stage="doctor", amount=Decimal(3))])
    for stage, expected in (("doctor", 3), ("master", 2000)):
        (found,) = book.on("high_school_grant", date(2024, 3, 1), stage=stage)
        assert found.amount == expected


_DAYS = st.dates(date(2015, 1, 1), date(2030, 12, 31))


@given(breaks=st.lists(_DAYS, unique=True, max_size=6), on=_DAYS)
def test_on_each_day_exactly_the_version_holds_that_began_last(breaks: list[date], on: date) -> None:
    starts: list[date | None] = [None, *sorted(breaks)]
    ends = [start - timedelta(days=1) for start in starts[1:] if start is not None]
    versions = [
        version(valid_from=start, valid_to=end, amount=Decimal(place))
        for place, (start, end) in enumerate(zip(starts, [*ends, None], strict=True))
    ]
    assert not any(rules.overlap(*pair) for pair in combinations(versions, 2))
    (found,) = Book(versions).on("high_school_grant", on)
    assert found.amount == sum(start <= on for start in breaks)


@given(old=st.integers(1, 10**6), new=st.integers(1, 10**6), year=st.integers(2015, 2030), begins=_DAYS)
def test_a_year_is_the_sum_of_its_terms(old: int, new: int, year: int, begins: date) -> None:
    book = Book(
        [
            version(valid_to=begins - timedelta(days=1), amount=Decimal(old)),
            version(valid_from=begins, amount=Decimal(new)),
        ]
    )

    def of(calendar: Calendar, period: str) -> Decimal:
        level = book.over("high_school_grant", calendar, period)
        assert level is not None
        assert level.amount is not None
        return level.amount

    spring, autumn = (of(Calendar.TERM, f"{year}-{term}") for term in ("spring", "autumn"))
    assert of(Calendar.YEAR, str(year)) == spring + autumn
    following = of(Calendar.TERM, f"{year + 1}-spring")
    assert of(Calendar.SCHOOL_YEAR, str(year)) == autumn + following


def _level(amount: str | None, lowest: str | None = None, highest: str | None = None) -> Level:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Level(number(amount), number(lowest), number(highest), ())


@pytest.mark.parametrize(
    ("total", "level", "verdict", "difference"),
    [
        ("50000", _level("5000"), Compared.EQUAL, "0.00"),
        ("49999.99", _level("5000"), Compared.BELOW, "0.00"),
        ("50100", _level("5000"), Compared.ABOVE, "10.00"),
        ("28000", _level("3300", "2000", "4500"), Compared.WITHIN, "-500.00"),
        ("19000", _level("3300", "2000", "4500"), Compared.BELOW, "-100.00"),
        ("46000", _level("3300", "2000", "4500"), Compared.ABOVE, "100.00"),
        ("79999", _level(None, None, "8000"), Compared.WITHIN, None),
        ("80001", _level(None, None, "8000"), Compared.ABOVE, "0.10"),
        ("1", _level(None), Compared.UNKNOWN, None),
    ],
)
def test_an_amount_per_head_is_compared_exactly(
    total: str, level: Level, verdict: Compared, difference: str | None
) -> None:
    found = rules.compare(Decimal(total), 10, level)
    assert found.verdict is verdict
    assert found.difference == (None if difference is None else Decimal(difference))


def test_nobody_has_no_amount_per_head() -> None:
    found = rules.compare(Decimal(5), 0, _level("5000"))
    assert (found.per_head, found.verdict) == (None, Compared.UNKNOWN)


@given(st.integers(1, 10**7), st.integers(1, 10**6))
def test_what_the_standard_pays_is_equal_to_it(fen: int, persons: int) -> None:
    standard = Decimal(fen) / 100

    def check(total: Decimal) -> Compared:
        return rules.compare(total, persons, _level(str(standard))).verdict

    assert check(standard * persons) is Compared.EQUAL
    assert check(standard * persons + Decimal("0.01")) is Compared.ABOVE
    assert check(standard * persons - Decimal("0.01")) is Compared.BELOW
