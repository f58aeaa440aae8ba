"""When a text message is tried again, and when the gateway counts as down."""

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
    """What one process has seen of the gateway since the last message that it took.

    One message that always fails does not make the gateway count as down: several different ones have to
    fail, over some seconds. Without any attempt for two minutes nothing is known.
    """

    _failed: set[UUID] = field(default_factory=set)
    _since: datetime | None = None
    _last: datetime | None = None

    def taken(self) -> None:
        """The gateway took a message."""
        self._failed.clear()
        self._since = self._last = None

    def failed(self, message: UUID, now: datetime) -> None:
        """The gateway did not answer, or answered that it cannot."""
        if len(self._failed) < _DOWN_MESSAGES:
            self._failed.add(message)
        self._since = self._since or now
        self._last = now

    def down(self, now: datetime) -> bool:
        """Whether new messages would only wait."""
        if self._since is None or self._last is None or now - self._last > _FORGOTTEN_AFTER:
            return False
        return len(self._failed) >= _DOWN_MESSAGES and now - self._since >= _DOWN_AFTER
