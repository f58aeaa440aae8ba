"""How often Identity is asked about a display, and what its answers mean (RFC 8628 §3.5)."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.walls import rules
from portal.walls.rules import WallState

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def test_without_an_answer_identity_is_asked_half_as_often_up_to_a_minute() -> None:
    intervals = [5]
    for _ in range(5):
        intervals.append(rules.later(intervals[-1]))
    assert intervals == [5, 10, 20, 40, 60, 60]
    # Identity may want more.
    assert rules.later(90) == 90


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("authorization_pending", WallState.PENDING),
        ("slow_down", WallState.PENDING),
        ("access_denied", WallState.DENIED),
        ("expired_token", WallState.NONE),
        ("invalid_grant", WallState.NONE),
    ],
)
def test_errors_decide_what_a_display_shows(error: str, state: WallState) -> None:
    assert rules.after(error) is state


def test_a_display_looks_again_when_identity_may_be_asked() -> None:
    assert rules.remaining(NOW + timedelta(seconds=4.2), NOW) == 5
    assert rules.remaining(NOW - timedelta(seconds=1), NOW) == 1
