"""Rules for retries of text messages and for the health of the gateway."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from servicekit.retry import RetryPolicy

SEALED_FOR = "sms"
RETRY = RetryPolicy(base=1.0, cap=60.0)
LEASE = timedelta(seconds=60)
NOTICE_LIFETIME = timedelta(days=1)
_DOWN_MESSAGES = 3
_DOWN_AFTER = timedelta(seconds=10)
_FORGOTTEN_AFTER = timedelta(seconds=120)


@dataclass
class GatewayHealth:
    """State of the gateway as observed by one process since its last accepted message.

    One message that always fails does not mark the gateway as down: several different ones must fail, over
    some seconds. After two minutes without an attempt, the state is unknown.
    """

    _failed: set[UUID] = field(default_factory=set)
    _since: datetime | None = None
    _last: datetime | None = None

    def taken(self) -> None:
        """Record an accepted message."""
        self._failed.clear()
        self._since = self._last = None

    def failed(self, message: UUID, now: datetime) -> None:
        """Record that the gateway did not respond or responded with an error of its own."""
        if len(self._failed) < _DOWN_MESSAGES:
            self._failed.add(message)
        self._since = self._since or now
        self._last = now

    def down(self, now: datetime) -> bool:
        """Return whether the gateway is down."""
        if self._since is None or self._last is None or now - self._last > _FORGOTTEN_AFTER:
            return False
        return len(self._failed) >= _DOWN_MESSAGES and now - self._since >= _DOWN_AFTER
