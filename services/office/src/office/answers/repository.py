"""Queries over the answer of one unit."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import AnswerStatus
from office.answers.models import Answer, AnswerRevision

_MOST_REVISIONS = 100


class AnswerRepository:
    """Read and write answers."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, notice_id: UUID, unit_id: UUID, *, lock: bool = False) -> Answer | None:
        """Return the unit's answer as it is now."""
        return await self._session.get(
            Answer, (notice_id, unit_id), with_for_update=lock or None, populate_existing=True
        )

    async def begun(self, notice_id: UUID, unit_id: UUID, path: str) -> Answer:
        """Return the unit's answer, locked; an empty one if there is none yet."""
        await self._session.execute(
            insert(Answer)
            .values(
                notice_id=notice_id,
                unit_id=unit_id,
                path=path,
                status=AnswerStatus.DRAFT,
                number=0,
                late=False,
                version=0,
            )
            .on_conflict_do_nothing()
        )
        answer = await self.get(notice_id, unit_id, lock=True)
        assert answer is not None
        return answer

    async def save(self, answer: Answer, revision: AnswerRevision | None = None) -> None:
        """Write a changed answer, and what was submitted."""
        if revision is not None:
            self._session.add(revision)
        self._session.add(answer)
        await self._session.flush()

    async def revisions(self, notice_id: UUID, unit_id: UUID) -> Sequence[AnswerRevision]:
        """Return what the unit has submitted, the latest first."""
        statement = (
            select(AnswerRevision)
            .where(AnswerRevision.notice_id == notice_id, AnswerRevision.unit_id == unit_id)
            .order_by(AnswerRevision.number.desc())
            .limit(_MOST_REVISIONS)
        )
        return (await self._session.scalars(statement)).all()
