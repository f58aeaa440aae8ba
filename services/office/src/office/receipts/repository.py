"""Queries over the receipts of a unit and of a person."""

from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import AnswerStatus
from office.answers.models import Answer
from office.directory.models import Unit
from office.forms.models import Form
from office.receipts.models import Read, Signature


class ReceiptRepository:
    """Read signatures and reads."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def signature(self, notice_id: UUID, unit: Unit) -> Signature | None:
        """Return the unit's own signature of the notice."""
        return await self._session.get(Signature, (notice_id, unit.id))

    async def read(self, notice_id: UUID, sub: UUID) -> Read | None:
        """Return the time at which the person read the notice."""
        return await self._session.get(Read, (notice_id, sub))

    async def asked(self, notice_id: UUID, unit: Unit) -> tuple[bool, AnswerStatus | None]:
        """Return whether the notice asks for an answer, and how far that of the unit is."""
        own = and_(Answer.notice_id == Form.notice_id, Answer.unit_id == unit.id)
        query = select(Answer.status).select_from(Form).join(Answer, own, isouter=True)
        row = (await self._session.execute(query.where(Form.notice_id == notice_id))).one_or_none()
        return (False, None) if row is None else (True, row.status)
