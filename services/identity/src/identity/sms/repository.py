"""Queries for text messages. Their statements are built once; the dispatcher runs them on lanes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    any_,
    bindparam,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from identity.sms.models import SmsMessage
from identity.sms.rules import LEASE
from servicekit.lanes import Runner, Statement

_TABLE: Final[Any] = SmsMessage.__table__
_ROWS: Final = _TABLE.columns
_TIME: Final = DateTime(timezone=True)
_NOW: Final = bindparam("now", type_=_TIME)
_ADD: Final = Statement(
    insert(_TABLE).values({c.name: bindparam(f"new_{c.name}", type_=c.type) for c in _ROWS})
)
_SUPERSEDE: Final = Statement(
    update(_TABLE)
    .where(
        _ROWS.topic == any_(bindparam("topics", type_=ARRAY(LargeBinary))),
        _ROWS.sealed.is_not(None),
    )
    .values(sealed=null(), dead_at=_NOW, last_error="superseded")
)
_DUE = (
    select(_ROWS.id)
    .where(_ROWS.sealed.is_not(None), _ROWS.next_attempt_at <= _NOW)
    .order_by(_ROWS.next_attempt_at)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM: Final = Statement(
    update(_TABLE)
    .where(_ROWS.id == _DUE.c.id)
    .values(attempts=_ROWS.attempts + 1, next_attempt_at=bindparam("leased_until", type_=_TIME))
    .returning(_ROWS.id, _ROWS.sealed, _ROWS.attempts, _ROWS.expires_at)
)


def _ended(**values: Any) -> Statement:
    # A message superseded during sending stays dead.
    pending = (_ROWS.id == bindparam("message", type_=Uuid()), _ROWS.sealed.is_not(None))
    return Statement(update(_TABLE).where(*pending).values(**values))


_ERROR: Final = bindparam("error", type_=Text)
_SENT: Final = _ended(sealed=null(), sent_at=_NOW, last_error=null())
_DEAD: Final = _ended(sealed=null(), dead_at=_NOW, last_error=_ERROR)
_RETRY: Final = _ended(next_attempt_at=bindparam("again_at", type_=_TIME), last_error=_ERROR)


class SmsRepository:
    """Pending messages: neither sent nor dead."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def add(self, message: SmsMessage) -> None:
        """Insert a message."""
        await self._runner.ahead(_ADD, {f"new_{c.name}": getattr(message, c.name) for c in _ROWS})

    async def supersede(self, topics: Sequence[bytes], now: datetime) -> None:
        """Mark the pending messages of a topic as dead; `topics` are its indexes under the keys in use."""
        await self._runner.ahead(_SUPERSEDE, {"topics": list(topics), "now": now})

    async def claim(self, now: datetime, limit: int) -> Sequence[Any]:
        """Claim messages to send now. Other processes skip them until the lease expires."""
        return await self._runner.all(_CLAIM, {"now": now, "most": limit, "leased_until": now + LEASE})

    async def sent(self, message_id: UUID, now: datetime) -> None:
        """Mark a message as accepted by the gateway; delete number and text."""
        await self._runner.first(_SENT, {"message": message_id, "now": now})

    async def dead(self, message_id: UUID, now: datetime, error: str) -> None:
        """Mark a message as dead; delete number and text."""
        await self._runner.first(_DEAD, {"message": message_id, "now": now, "error": error})

    async def retry(self, message_id: UUID, at: datetime, error: str) -> None:
        """Schedule the next attempt for a message."""
        await self._runner.first(_RETRY, {"message": message_id, "again_at": at, "error": error})
