from datetime import UTC, datetime, timedelta, timezone

import pytest

from testkit.clock import FrozenClock


def test_time_stands_still_until_it_is_advanced() -> None:
    clock = FrozenClock()
    start = clock.now()
    assert clock.now() == start
    assert clock.advance(timedelta(minutes=5)) == start + timedelta(minutes=5) == clock.now()


def test_now_is_utc_whatever_the_start_was() -> None:
    beijing = timezone(timedelta(hours=8))
    clock = FrozenClock(datetime(2026, 1, 1, 8, tzinfo=beijing))
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        FrozenClock(datetime(2026, 1, 1))  # noqa: DTZ001


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        FrozenClock().advance(timedelta(seconds=-1))
