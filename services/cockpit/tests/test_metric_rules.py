"""How figures are derived, compared, rounded and written."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.cells.dimensions import Calendar
from cockpit.feeds.declarations import FeedName
from cockpit.metrics import periods
from cockpit.metrics.expressions import (
    Both,
    Cell,
    Earlier,
    Expression,
    Leaf,
    Less,
    Measure,
    Ratio,
    evaluate,
    leaves,
)
from cockpit.metrics.figures import (
    NO_BASE,
    NO_DATA,
    SUPPRESSED,
    Figure,
    Unit,
    difference,
    display,
    display_change,
    exact,
    growth,
    ratio,
    rounded,
)
from cockpit.metrics.periods import Comparison

_VALUES = st.fractions(-(10**12), 10**12, max_denominator=10**6)
_LACKING = st.sampled_from([NO_DATA, NO_BASE, SUPPRESSED])
_FIGURES = st.builds(Figure, _VALUES) | _LACKING

_A = Cell(FeedName.AWARD, Measure.AMOUNT)
_B = Cell(FeedName.AWARD, Measure.PERSONS)


@given(now=_FIGURES, before=_FIGURES, unit=st.sampled_from(Unit))
def test_growth_has_a_value_only_on_a_base_and_never_shows_what_is_suppressed(
    now: Figure, before: Figure, unit: Unit
) -> None:
    found = growth(now, before, unit)
    if SUPPRESSED in (now, before):
        assert found == SUPPRESSED
    elif now.value is None or before.value is None:
        assert found.value is None
    elif unit.is_share:
        assert found == Figure(now.value - before.value)
    elif before.value <= 0:
        assert found == NO_BASE
    else:
        assert found.value is not None
        assert before.value * (1 + found.value / 100) == now.value


@given(part=_FIGURES, whole=_FIGURES)
def test_a_ratio_times_its_whole_is_its_part(part: Figure, whole: Figure) -> None:
    found = ratio(part, whole)
    if found.value is None:
        assert part.value is None or not whole.value
        assert found.suppressed == (SUPPRESSED in (part, whole))
    else:
        assert whole.value is not None
        assert found.value * whole.value == part.value
        assert ratio(part, whole, percent=True) == Figure(found.value * 100)


@given(whole=_FIGURES, parts=st.lists(_FIGURES, max_size=4))
def test_a_difference_and_its_parts_add_up_to_the_whole(whole: Figure, parts: list[Figure]) -> None:
    found = difference(whole, *parts)
    if found.value is None:
        assert found.suppressed == (SUPPRESSED in (whole, *parts))
    else:
        assert found.value + sum(part.value for part in parts if part.value is not None) == whole.value


@given(value=st.decimals(-(10**15), 10**15, places=4), decimals=st.integers(0, 3))
def test_rounding_is_half_up(value: Decimal, decimals: int) -> None:
    found = rounded(Fraction(value), decimals)
    assert found == value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert not str(found).startswith("-0") or found != 0


@pytest.mark.parametrize(
    ("value", "unit", "plain", "shown"),
    [
        ("121060000000", Unit.YUAN, "121060000000.00", "1,210.6 亿元"),
        ("999999.99", Unit.YUAN, "999999.99", "100 万元"),
        ("5216000", Unit.YUAN, "5216000.00", "521.6 万元"),
        ("-25000.5", Unit.YUAN, "-25000.50", "-2.5 万元"),
        ("625", Unit.YUAN, "625.00", "625.00 元"),
        ("9999", Unit.PERSONS, "9999", "9,999 人"),
        ("95900000", Unit.PERSONS, "95900000", "9,590 万人"),
        ("12.345", Unit.PERCENT, "12.35", "12.35%"),
        ("-0.004", Unit.POINTS, "0.00", "0.00 百分点"),
        ("13.555", Unit.DAYS, "13.56", "13.56 天"),
    ],
)
def test_figures_are_written_exactly_and_for_people(value: str, unit: Unit, plain: str, shown: str) -> None:
    figure = Figure(Fraction(value))
    assert exact(figure, unit) == plain
    assert display(figure, unit) == shown


def test_what_has_no_value_is_written_as_such() -> None:
    assert exact(NO_DATA, Unit.YUAN) is exact(SUPPRESSED, Unit.YUAN) is None
    assert [display(one, Unit.YUAN) for one in (NO_DATA, NO_BASE, SUPPRESSED)] == ["—", "—", "*"]
    assert display_change(Figure(Fraction(12)), Unit.PERCENT) == "+12.00%"
    assert display_change(Figure(Fraction(-12)), Unit.PERCENT) == "-12.00%"
    assert display_change(Figure(Fraction(0)), Unit.PERCENT) == "0.00%"


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_an_expression_reads_its_leaves_and_computes_from_them(now: int, before: int, stayed: int) -> None:
    both = Both(_B, _B, back=1)
    known: dict[tuple[Leaf, int], int] = {(_B, 0): now, (_B, 1): before, (both, 0): stayed}

    def of(expression: Expression) -> Figure:
        assert set(leaves(expression)) <= known.keys()
        return evaluate(expression, lambda leaf, back: Figure(Fraction(known[leaf, back])))

    newly = of(Less(_B, (both,), given=Earlier(_B)))
    assert newly == (Figure(Fraction(now - stayed)) if before else NO_BASE)
    gone = of(Less(Earlier(_B), (both,), given=_B))
    assert gone == (Figure(Fraction(before - stayed)) if now else NO_BASE)
    share = of(Ratio(both, Earlier(_B), percent=True))
    assert share == (Figure(Fraction(stayed * 100, before)) if before else NO_BASE)


@pytest.mark.parametrize(
    ("calendar", "period", "year_on_year", "previous"),
    [
        (Calendar.YEAR, "2024", "2023", None),
        (Calendar.SCHOOL_YEAR, "2024", "2023", None),
        (Calendar.TERM, "2024-spring", "2023-spring", "2023-autumn"),
        (Calendar.TERM, "2024-autumn", "2023-autumn", "2024-spring"),
        (Calendar.TERM, "2024-year", "2023-year", None),
        (Calendar.MONTH, "2024-01", "2023-01", "2023-12"),
        (Calendar.MONTH, "2024-10", "2023-10", "2024-09"),
    ],
)
def test_periods_are_compared_with_the_year_before_and_terms_with_the_term_before(
    calendar: Calendar, period: str, year_on_year: str, previous: str | None
) -> None:
    assert periods.valid(calendar, period)
    assert periods.base(calendar, period, Comparison.YEAR_ON_YEAR) == year_on_year
    assert periods.base(calendar, period, Comparison.PREVIOUS_PERIOD) == previous
    if previous is not None:
        assert periods.order(previous) < periods.order(period)


@pytest.mark.parametrize(
    ("calendar", "text"),
    [
        (Calendar.YEAR, "1999"),
        (Calendar.YEAR, "2024-spring"),
        (Calendar.TERM, "2024"),
        (Calendar.TERM, "2024-summer"),
        (Calendar.MONTH, "2024-13"),
        (Calendar.YEAR, "２０２４"),
        (Calendar.YEAR, "2024\n"),
    ],
)
def test_other_texts_are_no_periods(calendar: Calendar, text: str) -> None:
    assert not periods.valid(calendar, text)


def test_periods_have_chinese_names() -> None:
    assert periods.title(Calendar.YEAR, "2024") == "2024年"
    assert periods.title(Calendar.SCHOOL_YEAR, "2024") == "2024—2025学年"
    assert periods.title(Calendar.TERM, "2024-autumn") == "2024年秋季学期"
    assert periods.title(Calendar.MONTH, "2024-03") == "2024年3月"
    assert periods.title(Calendar.TERM, "2024-year") == "2024年全年"
