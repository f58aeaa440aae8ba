"""Queries of signing and reading, on a lane."""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.documents import Urgency
from contracts.vocabulary import TaskAction
from messaging.outbox import Recorded
from office.directory.models import Unit
from office.dispatches.rules import CIRCULATION
from office.receipts import statements
from office.receipts.models import Signature
from office.receipts.rules import READERS
from office.tasks.feed import as_json, to_share
from office.tasks.models import Task, TaskShare
from servicekit.advisory_locks import alone, shared
from servicekit.ids import new_id
from servicekit.lanes import Lane


class LaneRepository:
    """Read what decides about a receipt, and write the receipt with all that follows from it."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def hold(self, notice_id: UUID) -> None:
        """Wait for a running withdrawal of the notice, and have later ones wait for this transaction.

        The same lock as that of `DispatchRepository.hold`.
        """
        await self._lane.lock(shared(CIRCULATION, notice_id))

    async def hold_for_reader(self, notice_id: UUID, unit_id: UUID) -> None:
        """As `hold`, and wait for the other readers of the unit: only the first one counts the unit."""
        await self._lane.lock(shared(CIRCULATION, notice_id), alone(READERS, notice_id, unit_id))

    async def signing(self, notice_id: UUID, unit_id: UUID, sub: UUID) -> Any:
        """Return the unit, the notice and how the unit has it, its signature, and the task that it ends.

        None if the unit is not known here.
        """
        values = {"notice": notice_id, "unit": unit_id, "sub": sub, "subject": _subject(notice_id)}
        return await self._lane.first(statements.SIGNING, values)

    async def reading(self, notice_id: UUID, unit_id: UUID, sub: UUID) -> Any:
        """Return the unit, the notice and how the unit has it, and when the person read it first."""
        values = {"notice": notice_id, "unit": unit_id, "sub": sub}
        return await self._lane.first(statements.READING, values)

    async def unit(self, unit_id: UUID) -> Unit | None:
        """Return the unit with its code and name only."""
        row = await self._lane.first(statements.SIGNING_UNIT, {"unit": unit_id})
        return None if row is None else Unit(id=row.id, code=row.code, name=row.name)

    async def sign(self, signature: Signature, found: Any, group: str, event: Recorded) -> bool:
        """Write the signature, count it and record the event, unless the unit has signed; end its task.

        `found` is what `signing` returned. Return whether the signature is new.
        """
        unit_id, task = signature.unit_id, _task(found)
        values = {
            "notice": signature.notice_id,
            "unit": unit_id,
            "sub": signature.signed_by,
            "at": signature.signed_at,
            "late": signature.late,
            "signing_unit": signature.signing_unit_id,
            "reason": signature.reason,
            "counted": signature.counted,
            "group": group,
            "task": None if task is None else task.id,
            **_told(task, unit_id),
            **event.values("event_"),
        }
        written = await self._lane.first(statements.SIGN, values)
        if not written.ended and found.has_own_task:
            await self._end_own_tasks(signature)
        if written.new or written.ended or found.has_own_task:
            self._lane.announce()
        return bool(written.new)

    async def _end_own_tasks(self, signature: Signature) -> None:
        values = {
            "unit": signature.unit_id,
            "subject": _subject(signature.notice_id),
            "sub": signature.signed_by,
            "at": signature.signed_at,
        }
        for row in await self._lane.all(statements.OWN_TASKS, values):
            task = _task(row)
            assert task is not None
            told = _told(task, signature.unit_id, row.holder)
            await self._lane.first(statements.END_OWN_TASK, values | told | {"task": task.id})

    async def read(
        self,
        notice_id: UUID,
        unit_id: UUID,
        sub: UUID,
        *,
        at: datetime,
        group: str,
        found: Any,
        counted: bool,
    ) -> bool:
        """Write and count the read unless there is one; return whether it is new.

        `found` is what `reading` returned after `hold_for_reader`.
        """
        values = {"notice": notice_id, "unit": unit_id, "sub": sub, "at": at}
        values |= {"counted": counted, "group": group, "first": 0 if found.has_readers else 1}
        return bool((await self._lane.first(statements.READ, values)).new)


def _subject(notice_id: UUID) -> str:
    return f"notice/{notice_id}"


def _task(row: Any) -> Task | None:
    """Return the task of a row as it is told to browsers, not for writing."""
    if row.task_id is None:
        return None
    columns = {name: getattr(row, f"task_{name}") for name in statements.TASK_COLUMNS}
    return Task(**columns | {"urgency": Urgency(row.task_urgency)})


def _told(task: Task | None, unit_id: UUID, holder: UUID | None = None) -> dict[str, Any]:
    """Return the parameters of what browsers are told of the end of a unit's task."""
    if task is None:
        return {"change_id": None, "needs": [], "told": None}
    share = TaskShare(task_id=task.id, addressee=unit_id, unit_id=unit_id, personal=False, holder=holder)
    data = to_share(task, share, TaskAction.DONE).data
    return {"change_id": new_id(), "needs": task.needs, "told": as_json(data)}
