"""Queries over text messages."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.sms.models import SmsMessage
from identity.sms.rules import LEASE


class SmsRepository:
    """Messages that are pending: neither sent nor dead."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, message: SmsMessage) -> None:
        """Store a message."""
        self._session.add(message)

    async def supersede(self, topic: bytes, now: datetime) -> None:
        """Give up the pending messages of a topic."""
        await self._session.execute(
            update(SmsMessage)
            .where(SmsMessage.topic == topic, SmsMessage.sealed.is_not(None))
            .values(sealed=None, dead_at=now, last_error="superseded")
            .execution_options(synchronize_session=False)
        )

    async def claim(self, now: datetime, limit: int) -> Sequence[SmsMessage]:
        """Messages to send now. Other processes leave them alone for the time of a lease."""
        due = (
            await self._session.scalars(
                select(SmsMessage)
                .where(SmsMessage.sealed.is_not(None), SmsMessage.next_attempt_at <= now)
                .order_by(SmsMessage.next_attempt_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        ).all()
        for message in due:
            message.attempts += 1
            message.next_attempt_at = now + LEASE
        return due

    async def sent(self, message_id: UUID, now: datetime) -> None:
        """The gateway has taken a message: delete number and text."""
        await self._set(message_id, sealed=None, sent_at=now, last_error=None)

    async def dead(self, message_id: UUID, now: datetime, error: str) -> None:
        """Give a message up: delete number and text."""
        await self._set(message_id, sealed=None, dead_at=now, last_error=error)

    async def retry(self, message_id: UUID, at: datetime, error: str) -> None:
        """Try a message again at a time."""
        await self._set(message_id, next_attempt_at=at, last_error=error)

    async def _set(self, message_id: UUID, **values: object) -> None:
        await self._session.execute(
            update(SmsMessage)
            # Superseded while it was being sent: it stays dead.
            .where(SmsMessage.id == message_id, SmsMessage.sealed.is_not(None))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
