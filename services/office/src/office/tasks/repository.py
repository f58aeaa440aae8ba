"""Queries over single tasks and their shares."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import TaskState
from office.tasks.feed import TaskChange
from office.tasks.models import Task, TaskAddress, TaskAddressUnit, TaskEntry, TaskShare


class TaskRepository:
    """Read and write tasks, their shares and their history."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_task(self, task: Task) -> bool:
        """Write the task; return False if its source has opened the same key before."""
        values = {
            column.key: getattr(task, column.key)
            for column in Task.__mapper__.column_attrs
            if getattr(task, column.key) is not None
        }
        result = await self._session.execute(
            insert(Task).values(values).on_conflict_do_nothing().returning(Task.id)
        )
        return result.first() is not None

    async def add_address(self, address: TaskAddress, picked: Sequence[UUID]) -> bool:
        """Write an address and the units that it names; return False if it is known already."""
        known = await self._session.get(TaskAddress, address.id)
        if known is not None:
            return False
        self._session.add(address)
        await self._session.flush()
        if picked:
            rows = [{"address_id": address.id, "unit_id": unit_id} for unit_id in picked]
            await self._session.execute(insert(TaskAddressUnit), rows)
        return True

    async def addressed(self, source: str, subject: str, kind: str) -> Task | None:
        """Return the open task about `subject` that is for addressed units."""
        statement = select(Task).where(
            Task.source == source,
            Task.subject == subject,
            Task.kind == kind,
            Task.addressed,
            Task.withdrawn_at.is_(None),
        )
        return (await self._session.scalars(statement.order_by(Task.id).limit(1))).first()

    async def add_done(self, task_id: UUID, unit_id: UUID, *, by: UUID | None, now: datetime) -> bool:
        """Write the share of an addressed unit as done; return False if it was done before."""
        share = TaskShare.of_unit(task_id, unit_id)
        share.done(by=by, now=now)
        values = {
            column.key: getattr(share, column.key)
            for column in TaskShare.__mapper__.column_attrs
            if getattr(share, column.key) is not None
        }
        result = await self._session.execute(
            insert(TaskShare)
            .values(values)
            .on_conflict_do_update(
                index_elements=[TaskShare.task_id, TaskShare.addressee],
                set_={name: values[name] for name in ("state", "done_at", "ended_at")} | {"done_by": by},
                where=TaskShare.state == TaskState.OPEN,
            )
            .returning(TaskShare.task_id)
        )
        return result.first() is not None

    def add(self, *rows: TaskShare | TaskEntry | TaskChange) -> None:
        """Write rows at the end of the transaction."""
        self._session.add_all(rows)

    async def save(self) -> None:
        """Write what has changed now."""
        await self._session.flush()

    async def by_key(self, source: str, key: str, *, lock: bool = False) -> Task | None:
        """Return the task that `source` opened with `key`."""
        statement = select(Task).where(Task.source == source, Task.key == key)
        return await self._session.scalar(statement.with_for_update() if lock else statement)

    async def open_about(
        self, source: str, subject: str, kind: str | None, limit: int | None
    ) -> Sequence[Task]:
        """Return the open tasks about `subject`, locked in the order of their ids; of all kinds if None."""
        statement = (
            select(Task)
            .where(Task.source == source, Task.subject == subject, Task.withdrawn_at.is_(None))
            .order_by(Task.id)
            .limit(limit)
            .with_for_update()
        )
        if kind is not None:
            statement = statement.where(Task.kind == kind)
        return (await self._session.scalars(statement)).all()

    async def shares_of(
        self, source: str, subject: str, kind: str, addressee: UUID
    ) -> Sequence[tuple[Task, TaskShare]]:
        """Return the open shares of one unit or person in tasks about `subject`; the shares are locked."""
        rows = await self._session.execute(
            select(Task, TaskShare)
            .join(TaskShare, TaskShare.task_id == Task.id)
            .where(
                Task.source == source,
                Task.subject == subject,
                Task.kind == kind,
                TaskShare.addressee == addressee,
                TaskShare.state == TaskState.OPEN,
            )
            .order_by(Task.id)
            .with_for_update(of=TaskShare)
        )
        return [(task, share) for task, share in rows]

    async def shares(self, task_id: UUID) -> Sequence[TaskShare]:
        """Return the shares of a task for one unit or one person, locked."""
        statement = select(TaskShare).where(TaskShare.task_id == task_id).order_by(TaskShare.addressee)
        return (await self._session.scalars(statement.with_for_update())).all()

    async def held(
        self, sub: UUID, unit_id: UUID | None, *, personal: bool, limit: int
    ) -> Sequence[tuple[Task, TaskShare]]:
        """Return up to `limit` open shares that the person holds, locked: in one unit if given, and with
        `personal` also tasks for this person, as far as they belong to the work of a unit.
        """
        statement = (
            select(Task, TaskShare)
            .join(TaskShare, TaskShare.task_id == Task.id)
            .where(
                TaskShare.holder == sub,
                TaskShare.state == TaskState.OPEN,
                TaskShare.unit_id.is_not(None) if personal else TaskShare.personal.is_(False),
            )
            .order_by(Task.id, TaskShare.addressee)
            .limit(limit)
            .with_for_update(of=TaskShare)
        )
        if unit_id is not None:
            statement = statement.where(TaskShare.unit_id == unit_id)
        return [(task, share) for task, share in await self._session.execute(statement)]

    async def readdress(
        self, share: TaskShare, addressee: UUID, *, unit_id: UUID, personal: bool, holder: UUID | None
    ) -> bool:
        """Give a share to another person or back to its unit; return False if that one has a share
        already.
        """
        other = await self._session.get(TaskShare, (share.task_id, addressee))
        if other is not None and other is not share:
            return False
        await self._session.execute(
            update(TaskShare)
            .where(TaskShare.task_id == share.task_id, TaskShare.addressee == share.addressee)
            .values(addressee=addressee, unit_id=unit_id, personal=personal, holder=holder)
        )
        await self._session.execute(
            update(TaskEntry)
            .where(TaskEntry.task_id == share.task_id, TaskEntry.addressee == share.addressee)
            .values(addressee=addressee)
        )
        self._session.expunge(share)
        return True

    async def provisional(self, after: UUID | None, limit: int) -> Sequence[Task]:
        """Return open tasks whose deadline depends on unpublished workdays, by id; locked."""
        statement = (
            select(Task)
            .where(Task.provisional, Task.withdrawn_at.is_(None))
            .order_by(Task.id)
            .limit(limit)
            .with_for_update()
        )
        if after is not None:
            statement = statement.where(Task.id > after)
        return (await self._session.scalars(statement)).all()

    async def oldest_ended(self, before: UUID) -> UUID | None:
        """Return the first task with an id below `before` that is open for nobody, or is dispatched."""
        open_share = exists().where(TaskShare.task_id == Task.id, TaskShare.state == TaskState.OPEN)
        ended = or_(Task.withdrawn_at.is_not(None), Task.addressed, ~open_share)
        statement = select(Task.id).where(Task.id < before, ended).order_by(Task.id).limit(1)
        return (await self._session.scalars(statement)).first()

    async def delete_shares(self, task_id: UUID, limit: int) -> int:
        """Delete some shares of a task with their history; return the number of shares."""
        some = select(TaskShare.addressee).where(TaskShare.task_id == task_id).limit(limit)
        rows = await self._session.scalars(
            delete(TaskShare)
            .where(TaskShare.task_id == task_id, TaskShare.addressee.in_(some.scalar_subquery()))
            .returning(TaskShare.addressee)
        )
        gone = rows.all()
        if gone:
            await self._session.execute(
                delete(TaskEntry).where(TaskEntry.task_id == task_id, TaskEntry.addressee.in_(gone))
            )
        return len(gone)

    async def delete(self, task_id: UUID) -> None:
        """Delete a task with its addresses."""
        await self._session.execute(delete(Task).where(Task.id == task_id))
