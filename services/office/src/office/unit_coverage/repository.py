"""Queries about what one unit has done with a notice. All begin with the keys of notice and unit."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from office.answers.models import AnswerRevision
from office.receipts.models import Read, Signature
from office.reminders.models import Reminder
from office.returns.models import Return

SHOWN = 50
"""The most people, submissions, reminders and returns that are shown."""


class UnitCoverageRepository:
    """Read what one unit has done with one notice."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def signature(self, notice_id: UUID, unit_id: UUID) -> Signature | None:
        """Return the signature of the unit."""
        return await self._session.get(Signature, (notice_id, unit_id))

    async def reads(self, notice_id: UUID, unit_id: UUID) -> tuple[int, Sequence[Read]]:
        """Return how many people of the unit have read the notice, and the first of them."""
        read = (Read.notice_id == notice_id, Read.unit_id == unit_id)
        count = await self._session.scalar(select(func.count()).select_from(Read).where(*read))
        statement = select(Read).where(*read).order_by(Read.read_at, Read.sub).limit(SHOWN)
        return count or 0, (await self._session.scalars(statement)).all()

    async def submissions(self, notice_id: UUID, unit_id: UUID) -> Sequence[AnswerRevision]:
        """Return the submissions of the unit's answer, the latest first."""
        statement = (
            select(AnswerRevision)
            .where(AnswerRevision.notice_id == notice_id, AnswerRevision.unit_id == unit_id)
            .order_by(AnswerRevision.number.desc())
            .limit(SHOWN)
        )
        return (await self._session.scalars(statement)).all()

    async def reminders(self, notice_id: UUID, unit_id: UUID) -> Sequence[Reminder]:
        """Return the reminders that the unit got, the latest first."""
        statement = (
            select(Reminder)
            .where(Reminder.notice_id == notice_id, Reminder.unit_id == unit_id)
            .order_by(Reminder.slot.desc())
            .limit(SHOWN)
        )
        return (await self._session.scalars(statement)).all()

    async def returns(self, notice_id: UUID, unit_id: UUID) -> Sequence[Return]:
        """Return the returns by the unit, the latest first."""
        statement = (
            select(Return)
            .where(Return.notice_id == notice_id, Return.unit_id == unit_id)
            .order_by(Return.number.desc())
            .limit(SHOWN)
        )
        return (await self._session.scalars(statement)).all()
