"""Queries over the answer of one unit."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Uuid, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import AnswerStatus
from office.answers.models import Answer, AnswerRevision, AnswerSubject
from servicekit.ids import new_id

MOST_REVISIONS = 100
_FILES = text(
    """
    SELECT DISTINCT CAST(file AS uuid) AS file_id
    FROM answer_revisions AS revisions
         CROSS JOIN LATERAL unnest(CAST(:keys AS text[])) AS key
         CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(revisions.values -> key, '[]')) AS file
    WHERE revisions.notice_id = :notice AND revisions.unit_id = :unit
    """
).columns(file_id=Uuid())


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
            .limit(MOST_REVISIONS)
        )
        return (await self._session.scalars(statement)).all()

    async def subject(self, notice_id: UUID, unit_id: UUID) -> UUID:
        """Return what the files of an answer are attached to; the caller has locked the answer."""
        of_answer = (AnswerSubject.notice_id == notice_id, AnswerSubject.unit_id == unit_id)
        found = (await self._session.scalars(select(AnswerSubject.id).where(*of_answer))).one_or_none()
        if found is None:
            found = new_id()
            self._session.add(AnswerSubject(id=found, notice_id=notice_id, unit_id=unit_id))
            await self._session.flush()
        return found

    async def of_subject(self, subject_id: UUID) -> Answer | None:
        """Return the answer whose files are attached to a subject."""
        subject = await self._session.get(AnswerSubject, subject_id)
        return None if subject is None else await self.get(subject.notice_id, subject.unit_id)

    async def submitted_files(self, notice_id: UUID, unit_id: UUID, keys: Sequence[str]) -> set[UUID]:
        """Return the files that the unit has ever submitted, in the fields with `keys`."""
        if not keys:
            return set()
        values = {"notice": notice_id, "unit": unit_id, "keys": list(keys)}
        return set(await self._session.scalars(_FILES, values))
