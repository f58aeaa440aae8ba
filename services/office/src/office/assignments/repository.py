"""Queries over assignments."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import AssignmentStatus
from contracts.vocabulary import AccountStatus
from office.assignments.models import Assignment
from office.directory.models import Person

MOST_ASSIGNMENTS = 200
"""Of one notice in one unit, the latest."""
_AT_ONCE = 500


class AssignmentRepository:
    """Read and write assignments."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def open(self, notice_id: UUID, unit_id: UUID, *, lock: bool = False) -> Assignment | None:
        """Return the assignment of the notice in the unit that has not ended."""
        statement = (
            select(Assignment)
            .where(
                Assignment.notice_id == notice_id,
                Assignment.unit_id == unit_id,
                Assignment.status == AssignmentStatus.OPEN,
            )
            .execution_options(populate_existing=True)
        )
        if lock:
            statement = statement.with_for_update()
        return (await self._session.scalars(statement)).one_or_none()

    async def history(self, notice_id: UUID, unit_id: UUID) -> Sequence[Assignment]:
        """Return the latest assignments of the notice in the unit, the newest first."""
        statement = (
            select(Assignment)
            .where(Assignment.notice_id == notice_id, Assignment.unit_id == unit_id)
            .order_by(Assignment.id.desc())
            .limit(MOST_ASSIGNMENTS)
        )
        return (await self._session.scalars(statement)).all()

    async def owned(self, owner: UUID, unit_id: UUID | None) -> Sequence[Assignment]:
        """Return open assignments of a person in a unit (None: in all), locked, some at once."""
        statement = select(Assignment).where(
            Assignment.owner == owner, Assignment.status == AssignmentStatus.OPEN
        )
        if unit_id is not None:
            statement = statement.where(Assignment.unit_id == unit_id)
        statement = statement.order_by(Assignment.id).limit(_AT_ONCE).with_for_update()
        return (await self._session.scalars(statement)).all()

    async def is_member(self, sub: UUID, unit_id: UUID) -> bool:
        """Return whether the person is an active member of the unit."""
        person = await self._session.get(Person, sub)
        if person is None or person.status != AccountStatus.ACTIVE:
            return False
        return person.unit_id == unit_id or any(one.unit_id == unit_id for one in person.memberships)

    async def add(self, assignment: Assignment) -> None:
        """Write an assignment."""
        self._session.add(assignment)
        await self._session.flush()

    async def save(self) -> None:
        """Write what has changed."""
        await self._session.flush()
