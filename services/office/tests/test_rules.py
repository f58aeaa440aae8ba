from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.documents import Urgency
from office.notices import rules
from office.notices.rules import CalendarNotPublishedError, DeadlineOutOfRangeError

THURSDAY = datetime(2023, 4, 27, 1, tzinfo=UTC)


def test_five_workdays_after_27_april_2023_end_with_8_may_in_beijing() -> None:
    assert rules.deadline(Urgency.NORMAL, 5, THURSDAY) == datetime(2023, 5, 8, 15, 59, 59, tzinfo=UTC)


def test_the_day_of_issue_is_counted_in_beijing() -> None:
    late_evening_utc = datetime(2023, 4, 26, 17, tzinfo=UTC)  # 27 April, 01:00 in Beijing
    assert rules.deadline(Urgency.URGENT, None, late_evening_utc).date() == date(2023, 4, 28)


def test_urgency_decides_when_no_days_are_given() -> None:
    assert rules.deadline(Urgency.NORMAL, None, THURSDAY) == datetime(2023, 5, 4, 15, 59, 59, tzinfo=UTC)
    assert rules.deadline(Urgency.URGENT, None, THURSDAY) == datetime(2023, 4, 28, 15, 59, 59, tzinfo=UTC)
    assert rules.deadline(Urgency.EXTRA_URGENT, None, THURSDAY) == THURSDAY + timedelta(hours=4)


def test_a_year_without_published_holidays_is_not_guessed() -> None:
    with pytest.raises(CalendarNotPublishedError) as caught:
        rules.deadline(Urgency.NORMAL, 1, datetime(2030, 12, 30, 1, tzinfo=UTC))
    assert caught.value.year == 2030


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=-1), timedelta(days=367)])
def test_an_explicit_deadline_lies_within_a_year(ahead: timedelta) -> None:
    with pytest.raises(DeadlineOutOfRangeError):
        rules.check_deadline(THURSDAY + ahead, THURSDAY)


def test_a_deadline_with_no_utc_form_is_out_of_range() -> None:
    for text in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(DeadlineOutOfRangeError):
            rules.check_deadline(datetime.fromisoformat(text), THURSDAY)


@pytest.mark.parametrize(("ahead", "allowed"), [(0, False), (-1, False), (1, True), (90, True), (91, False)])
def test_a_notice_is_published_within_ninety_days_of_its_issue(ahead: int, allowed: bool) -> None:
    assert rules.is_publishing_time(THURSDAY + timedelta(days=ahead), THURSDAY) is allowed
