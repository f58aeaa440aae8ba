"""When a message is tried again, and when the gateway counts as down."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from identity.sms.rules import GatewayHealth

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def failing(messages: list[UUID]) -> GatewayHealth:
    health = GatewayHealth()
    for seconds, message in enumerate(messages):
        health.failed(message, after(seconds))
    return health


def test_nothing_is_known_of_a_gateway_at_first() -> None:
    assert not GatewayHealth().down(NOW)


def test_several_messages_that_fail_for_some_seconds_mean_that_it_is_down() -> None:
    health = failing([uuid4() for _ in range(3)])
    assert not health.down(after(9))
    assert health.down(after(10))


def test_one_message_that_always_fails_does_not_mean_that_it_is_down() -> None:
    assert not failing([uuid4()] * 50).down(after(50))


def test_it_is_up_as_soon_as_it_takes_one_message() -> None:
    health = failing([uuid4() for _ in range(20)])
    assert health.down(after(20))
    health.taken()
    assert not health.down(after(20))


def test_without_an_attempt_for_two_minutes_nothing_is_known_again() -> None:
    health = failing([uuid4() for _ in range(3)])
    assert health.down(after(120))
    assert not health.down(after(123))
