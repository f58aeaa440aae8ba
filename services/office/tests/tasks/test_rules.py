"""Deadlines by two clocks, links, and the search in titles."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.vocabulary import TaskClock
from office.tasks.rules import Deadline, is_link, pairs, time_left
from workdays import CalendarDays, WorkDays, published_calendar

# Thursday 2023-04-27; the 1st to the 3rd of May are holidays, Saturday the 6th is worked.
MORNING = datetime(2023, 4, 27, 1, tzinfo=UTC)


def test_workdays_and_days_are_different_clocks() -> None:
    workdays = Deadline.after(MORNING, WorkDays(5), published_calendar())
    days = Deadline.after(MORNING, CalendarDays(5), published_calendar())
    assert workdays.at == datetime(2023, 5, 8, 15, 59, 59, tzinfo=UTC)
    assert (workdays.clock, workdays.count) == (TaskClock.WORKDAYS, 5)
    assert days.at == datetime(2023, 5, 2, 15, 59, 59, tzinfo=UTC)
    assert (days.clock, days.count) == (TaskClock.DAYS, 5)


def test_a_deadline_in_a_year_without_published_workdays_is_provisional() -> None:
    december = datetime(2098, 12, 1, tzinfo=UTC)
    assert Deadline.after(december, WorkDays(5), published_calendar()).provisional
    assert not Deadline.after(december, CalendarDays(5), published_calendar()).provisional


def test_the_time_left_is_told_by_both_clocks() -> None:
    due = Deadline.after(MORNING, WorkDays(5), published_calendar()).at
    left = time_left(due, MORNING, published_calendar())
    assert (left.days, left.workdays) == (11, 5)
    evening = time_left(due, due - timedelta(hours=3), published_calendar())
    assert (evening.days, evening.workdays) == (0, 0)
    late = time_left(due, due + timedelta(seconds=1), published_calendar())
    assert (late.days, late.workdays) == (None, None)


@pytest.mark.parametrize("link", ["/notices/1", "/", "https://yyjh.xszz.edu.cn/a?b=c", "https://a.cn"])
def test_a_link_leads_into_the_front_end_or_to_https(link: str) -> None:
    assert is_link(link)


@pytest.mark.parametrize(
    "link", ["", "notices/1", "//evil.test/x", "javascript:alert(1)", "http://a.cn/", "/a b", "https:///x"]
)
def test_other_links_are_none(link: str) -> None:
    assert not is_link(link)


def test_titles_are_found_by_pairs_of_characters_without_width_and_case() -> None:
    assert pairs("关于ＡＢ的") == ["ab", "b的", "于a", "关于"]
    assert pairs("培") == []
    assert set(pairs("培训")) <= set(pairs("《业务培训》通知"))
