"""The tasks of recipients: signing (签收), and answering if the notice has a form (答复)."""

from typing import Final
from uuid import UUID

from contracts.documents import NoticeKind
from contracts.vocabulary import Permission, TaskKind
from office.addressing.rules import Address
from office.dispatches.models import Forwarding
from office.forms.service import Forms
from office.notices.models import Notice
from office.tasks.rules import MAX_NOTE, Deadline
from office.tasks.service import NewTask, Tasks, ToAddressed, ToUnit
from servicekit.ids import new_id

KINDS: Final = (TaskKind.SIGN, TaskKind.ANSWER)
NEEDS: Final = (Permission.NOTICES_RECEIVE,)
"""What whoever does these tasks has in the unit."""


class Asking:
    """Open and end the tasks of recipients, in the caller's transaction and whatever their number."""

    def __init__(self, tasks: Tasks, forms: Forms) -> None:
        self._tasks = tasks
        self._forms = forms

    async def dispatched(self, notice: Notice, forwarding: Forwarding, address: Address) -> None:
        """Ask the units that `address` adds. An announcement asks nothing."""
        if notice.kind is NoticeKind.ANNOUNCEMENT:
            return
        await self._ask(TaskKind.SIGN, notice, forwarding, address)
        if await self._forms.exists(notice.id):
            await self._ask(TaskKind.ANSWER, notice, forwarding, address)

    async def signed(self, notice_id: UUID, unit_id: UUID, by: UUID) -> None:
        """Note that a unit has signed."""
        await self._tasks.done(TaskKind.SIGN, _subject(notice_id), unit=unit_id, by=by)

    async def returned(self, notice: Notice, unit_id: UUID, by: UUID) -> None:
        """Note that a unit has returned the notice: it owes nothing until it gets it again."""
        for kind in KINDS:
            await self._tasks.done(kind, _subject(notice.id), unit=unit_id, by=by)

    async def resent(self, notice: Notice, unit_id: UUID, number: int, forwarding: Forwarding) -> None:
        """Ask a unit again whose return, its `number`th, has ended.

        One that had signed before is asked to sign once more, which ends the task.
        """
        kinds = KINDS if await self._forms.exists(notice.id) else KINDS[:1]
        for kind in kinds:
            key = f"notice/{notice.id}/{kind}/{unit_id}/{number}"
            await self._tasks.open(_task(kind, key, notice, forwarding), ToUnit(unit_id, NEEDS))

    async def ended(self, notice: Notice, cause: str, by: UUID | None) -> None:
        """Note that the notice does not circulate any more. Other tasks about it are for the job of
        `issuing`.
        """
        for kind in KINDS:
            await self._tasks.withdraw(_subject(notice.id), cause[:MAX_NOTE], kind=kind, by=by)

    async def _ask(self, kind: TaskKind, notice: Notice, forwarding: Forwarding, address: Address) -> None:
        # The id of the dispatch, for the first kind; an address belongs to one task.
        id_ = forwarding.id if kind is TaskKind.SIGN else new_id()
        await self._tasks.open(
            _task(kind, f"notice/{notice.id}/{kind}", notice, forwarding),
            ToAddressed(id_, forwarding.unit_id, address, NEEDS),
        )


def _task(kind: TaskKind, key: str, notice: Notice, forwarding: Forwarding) -> NewTask:
    return NewTask(
        kind=kind,
        key=key,
        subject=_subject(notice.id),
        title=notice.title,
        link=f"/notices/{notice.id}",
        deadline=Deadline(forwarding.deadline),
        urgency=notice.urgency,
        owner=notice.issued_by,
        owner_unit_id=notice.publisher_id,
    )


def _subject(notice_id: UUID) -> str:
    return f"notice/{notice_id}"
