"""Queries over one task of a person, and over the person."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import PersonMembership
from contracts.vocabulary import AccountStatus
from office.directory.models import Person, Unit
from office.tasks.feed import TaskChange
from office.tasks.models import Task, TaskEntry, TaskShare

_MOST_ENTRIES = 200


class DeskRepository:
    """Read a person's task, and write what the person does with it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def task(self, task_id: UUID) -> Task | None:
        """Return a task as it is now."""
        return await self._session.get(Task, task_id, populate_existing=True)

    async def share(self, task_id: UUID, addressee: UUID, *, lock: bool = False) -> TaskShare | None:
        """Return the share of a unit or a person as it is now."""
        return await self._session.get(
            TaskShare, (task_id, addressee), with_for_update=lock or None, populate_existing=True
        )

    async def share_at(self, task_id: UUID, units: Sequence[UUID], *, sub: UUID) -> TaskShare | None:
        """Return the share of the person, else of the first of the units that has one."""
        addressees = [sub, *units]
        rows = await self._session.scalars(
            select(TaskShare).where(TaskShare.task_id == task_id, TaskShare.addressee.in_(addressees))
        )
        return min(rows, key=lambda share: addressees.index(share.addressee), default=None)

    async def begin(self, share: TaskShare) -> TaskShare:
        """Write the share of an addressed unit that begins to act, and return it locked.

        Of two people who begin at once, the second waits, and gets what the first one has written.
        """
        values = {
            column.key: getattr(share, column.key)
            for column in TaskShare.__mapper__.column_attrs
            if getattr(share, column.key) is not None
        }
        await self._session.execute(insert(TaskShare).values(values).on_conflict_do_nothing())
        begun = await self.share(share.task_id, share.addressee, lock=True)
        assert begun is not None
        return begun

    async def history(self, task_id: UUID, addressee: UUID) -> Sequence[TaskEntry]:
        """Return the latest entries of a share, oldest first."""
        statement = (
            select(TaskEntry)
            .where(TaskEntry.task_id == task_id, TaskEntry.addressee == addressee)
            .order_by(TaskEntry.id.desc())
            .limit(_MOST_ENTRIES)
        )
        return (await self._session.scalars(statement)).all()[::-1]

    def add(self, *rows: TaskShare | TaskEntry | TaskChange) -> None:
        """Write rows at the end of the transaction."""
        self._session.add_all(rows)

    async def save(self) -> None:
        """Write what has changed now."""
        await self._session.flush()

    async def person(self, sub: UUID) -> Person | None:
        """Return a person of the replica."""
        return await self._session.get(Person, sub)

    async def people(self, subs: Sequence[UUID]) -> dict[UUID, Person]:
        """Return people by their subjects."""
        if not subs:
            return {}
        rows = await self._session.scalars(select(Person).where(Person.sub.in_(subs)))
        return {person.sub: person for person in rows}

    async def units(self, ids: Sequence[UUID]) -> dict[UUID, Unit]:
        """Return units by their ids."""
        if not ids:
            return {}
        rows = await self._session.scalars(select(Unit).where(Unit.id.in_(ids)))
        return {unit.id: unit for unit in rows}


def memberships(person: Person | None) -> list[PersonMembership]:
    """Return the memberships of an active person; a replica that has none yet knows the primary one."""
    if person is None:
        return []
    return active_memberships(
        person.status, person.memberships, person.unit_id, person.unit_path, person.roles
    )


def active_memberships(
    status: str,
    known: list[PersonMembership],
    unit_id: UUID | None,
    unit_path: str | None,
    roles: Sequence[str],
) -> list[PersonMembership]:
    """Return the `known` memberships of an active person, or the primary one if none is known."""
    if status != AccountStatus.ACTIVE:
        return []
    if known or unit_id is None:
        return known
    return [PersonMembership(unit_id=unit_id, unit_path=unit_path or "", roles=list(roles))]
