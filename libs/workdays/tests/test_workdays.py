"""Counting in workdays and calendar days."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workdays import Calendar, CalendarDays, Due, WorkDays, Year, published_calendar

CHINA = published_calendar()
PUBLISHED = st.dates(date(2005, 1, 1), date(2025, 6, 30))
ANY_DAY = st.dates(date(1990, 1, 1), date(2060, 12, 31))
PERIODS = st.integers(0, 120)


# --- the types ---


def test_workdays_and_calendar_days_do_not_mix() -> None:
    assert WorkDays(2) + WorkDays(3) == WorkDays(5)
    assert CalendarDays(2) + CalendarDays(3) == CalendarDays(5)
    # mypy refuses these too: without an error of its own, it would report the comments as unused.
    with pytest.raises(TypeError):
        WorkDays(1) + CalendarDays(1)  # type: ignore[operator]
    with pytest.raises(TypeError):
        CalendarDays(1) + WorkDays(1)  # type: ignore[operator]
    with pytest.raises(TypeError):
        assert WorkDays(1) < CalendarDays(2)  # type: ignore[operator]
    assert WorkDays(1) != CalendarDays(1)  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("period", [WorkDays(1), CalendarDays(1)])
def test_a_period_is_added_to_a_date_by_a_calendar_only(period: WorkDays | CalendarDays) -> None:
    with pytest.raises(TypeError):
        date(2023, 4, 27) + period  # type: ignore[operator]
    with pytest.raises(TypeError):
        period + date(2023, 4, 27)  # type: ignore[operator]
    with pytest.raises(TypeError):
        period + 1  # type: ignore[operator]


@pytest.mark.parametrize("kind", [WorkDays, CalendarDays])
def test_a_period_is_not_negative(kind: type[WorkDays] | type[CalendarDays]) -> None:
    with pytest.raises(ValueError, match="negative"):
        kind(-1)


def test_a_year_holds_its_own_days() -> None:
    with pytest.raises(ValueError, match="another year"):
        Year(2027, published=True, off=frozenset({date(2026, 12, 31)}))


# --- the published calendar ---


def test_five_workdays_after_27_april_2023_end_on_8_may_because_saturday_6_may_is_worked() -> None:
    assert CHINA.is_workday(date(2023, 5, 6))
    assert CHINA.after(date(2023, 4, 27), WorkDays(5)) == Due(date(2023, 5, 8))


@given(st.dates(date(2004, 1, 1), date(2026, 12, 31)))
def test_the_calendar_agrees_with_its_source(day: date) -> None:
    assert CHINA.is_workday(day) == chinese_calendar.is_workday(day)  # type: ignore[no-untyped-call]
    assert CHINA.published(day.year)


@given(PUBLISHED, PERIODS)
def test_a_count_through_published_years_is_final(start: date, count: int) -> None:
    due = CHINA.after(start, WorkDays(count))
    assert not due.provisional
    assert not CHINA.settles(due)


# --- counting ---


@given(ANY_DAY, PERIODS)
def test_counting_forward_and_between_are_inverse(start: date, count: int) -> None:
    due = CHINA.after(start, WorkDays(count))
    assert CHINA.workdays_between(start, due.day) == WorkDays(count)
    assert count == 0 or CHINA.is_workday(due.day)


@given(ANY_DAY, PERIODS, PERIODS)
def test_periods_are_counted_one_after_another(start: date, first: int, second: int) -> None:
    between = CHINA.after(start, WorkDays(first))
    due = CHINA.after(between.day, WorkDays(second))
    whole = CHINA.after(start, WorkDays(first) + WorkDays(second))
    assert whole.day == due.day
    assert set(whole.unpublished) == {*between.unpublished, *due.unpublished}


@given(ANY_DAY, PERIODS)
def test_more_workdays_end_later(start: date, count: int) -> None:
    assert CHINA.after(start, WorkDays(count)).day < CHINA.after(start, WorkDays(count + 1)).day


@given(ANY_DAY, PERIODS)
def test_calendar_days_ignore_the_calendar(start: date, count: int) -> None:
    assert CHINA.after(start, CalendarDays(count)) == Due(start + timedelta(days=count))


@given(ANY_DAY, st.integers(0, 400))
def test_no_workdays_lie_before_the_start(end: date, days: int) -> None:
    assert CHINA.workdays_between(end + timedelta(days=days), end) == WorkDays(0)


def test_a_count_past_the_last_date_is_refused() -> None:
    with pytest.raises(OverflowError):
        CHINA.after(date(9999, 12, 30), WorkDays(5))


# --- years that are not published ---


def test_an_unpublished_year_is_counted_by_weekends_and_marked() -> None:
    due = CHINA.after(date(2030, 9, 30), WorkDays(1))  # a Monday; 1 October is a holiday in every year
    assert due == Due(date(2030, 10, 1), unpublished=(2030,))
    assert due.provisional


def test_a_count_that_ends_before_the_unpublished_year_is_final() -> None:
    assert not CHINA.after(date(2026, 12, 21), WorkDays(4)).provisional


def test_the_last_days_of_december_wait_for_the_next_year() -> None:
    # The notice for 2019 made Saturday 29 December 2018 a workday and Monday the 31st a holiday.
    before = Calendar.of([Year(2018, published=True)])
    due = before.after(date(2018, 12, 28), WorkDays(1))
    assert due == Due(date(2018, 12, 31), unpublished=(2019,))
    assert CHINA.settles(due)
    assert CHINA.after(date(2018, 12, 28), WorkDays(1)) == Due(date(2018, 12, 29))


@given(st.dates(date(2026, 6, 1), date(2028, 12, 31)), PERIODS, st.data())
def test_a_provisional_day_is_counted_again_when_its_years_are_published(
    start: date, count: int, data: st.DataObject
) -> None:
    provisional = CHINA.after(start, WorkDays(count))
    years = [
        Year(number, published=True, off=data.draw(_weekdays(number)), worked=data.draw(_weekend(number)))
        for number in range(2027, 2031)
    ]
    later = Calendar.of([*CHINA.years.values(), *years])
    final = later.after(start, WorkDays(count))
    assert not final.provisional
    assert later.settles(provisional) == provisional.provisional
    if not provisional.provisional:
        assert final == provisional, "a final day never changes"


def test_a_day_that_waits_for_two_years_is_not_settled_by_one() -> None:
    due = CHINA.after(date(2027, 12, 20), WorkDays(10))
    assert due.unpublished == (2027, 2028)
    one = Calendar.of([*CHINA.years.values(), Year(2027, published=True)])
    both = Calendar.of([*one.years.values(), Year(2028, published=True)])
    assert not one.settles(due)
    assert both.settles(due)


def test_a_known_year_that_is_not_published_counts_as_unpublished() -> None:
    calendar = Calendar.of([Year(2027, published=False)])
    assert calendar.after(date(2027, 3, 1), WorkDays(1)).unpublished == (2027,)


def _days(year: int, *, weekend: bool) -> st.SearchStrategy[frozenset[date]]:
    return st.frozensets(
        # To 27 December: the days after it belong to the next year's notice.
        st.dates(date(year, 1, 1), date(year, 12, 27)).filter(lambda day: (day.weekday() >= 5) is weekend),
        max_size=20,
    )


def _weekdays(year: int) -> st.SearchStrategy[frozenset[date]]:
    return _days(year, weekend=False)


def _weekend(year: int) -> st.SearchStrategy[frozenset[date]]:
    return _days(year, weekend=True)
