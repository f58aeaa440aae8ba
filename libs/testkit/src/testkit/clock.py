"""Clocks of tests."""

from datetime import UTC, datetime, timedelta

# A Monday morning in Beijing (09:00), neither a holiday nor a make-up workday.
DEFAULT_START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class FrozenClock:
    """Implements `servicekit.clock.Clock` with a frozen aware UTC time."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        """Start at `start`; a naive time raises ValueError, because it names no instant."""
        if start.tzinfo is None:
            raise ValueError("FrozenClock needs an aware datetime")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move forward by `by` and return the new instant; going backwards raises ValueError."""
        if by < timedelta(0):
            raise ValueError("time does not run backwards")
        self._now += by
        return self._now

    def set_back(self, by: timedelta) -> datetime:
        """Move backward, as when a machine's clock was wrong, and return the new instant."""
        self._now -= by
        return self._now


class RunningClock(FrozenClock):
    """Goes with the machine: a service that has the machine's time refuses proofs that are a minute old."""

    def __init__(self, start: datetime | None = None) -> None:
        """Start at `start`, or at the machine's time; a naive time raises ValueError."""
        now = datetime.now(UTC)
        super().__init__(start or now)
        self._added = self._now - now

    def now(self) -> datetime:
        """Return the present instant and what was added, aware, in UTC."""
        return datetime.now(UTC) + self._added

    def advance(self, by: timedelta) -> datetime:
        """Move forward by `by` and return the new instant; going backwards raises ValueError."""
        if by < timedelta(0):
            raise ValueError("time does not run backwards")
        self._added += by
        return self.now()
