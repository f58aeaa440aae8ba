"""Queries for text messages."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.sms.models import SmsMessage
from identity.sms.rules import LEASE


class SmsRepository:
    """Pending messages: neither sent nor dead."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, message: SmsMessage) -> None:
        """Insert a message."""
        self._session.add(message)

    async def supersede(self, topics: Sequence[bytes], now: datetime) -> None:
        """Mark the pending messages of a topic as dead; `topics` are its indexes under the keys in use."""
        await self._session.execute(
            update(SmsMessage)
            .where(SmsMessage.topic.in_(topics), SmsMessage.sealed.is_not(None))
            .values(sealed=None, dead_at=now, last_error="superseded")
            .execution_options(synchronize_session=False)
        )

    async def claim(self, now: datetime, limit: int) -> Sequence[SmsMessage]:
        """Claim messages to send now. Other processes skip them until the lease expires."""
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
        """Mark a message as accepted by the gateway; delete number and text."""
        await self._set(message_id, sealed=None, sent_at=now, last_error=None)

    async def dead(self, message_id: UUID, now: datetime, error: str) -> None:
        """Mark a message as dead; delete number and text."""
        await self._set(message_id, sealed=None, dead_at=now, last_error=error)

    async def retry(self, message_id: UUID, at: datetime, error: str) -> None:
        """Schedule the next attempt for a message."""
        await self._set(message_id, next_attempt_at=at, last_error=error)

    async def _set(self, message_id: UUID, **values: object) -> None:
        await self._session.execute(
            update(SmsMessage)
            # A message superseded during sending stays dead.
            .where(SmsMessage.id == message_id, SmsMessage.sealed.is_not(None))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
