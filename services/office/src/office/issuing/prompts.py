"""The tasks (待办) that a notice opens on its way from draft to publication."""

from uuid import UUID

from contracts.vocabulary import NoticeStatus, Permission, TaskKind
from office.notices.models import Notice
from office.notices.rules import draft_subject
from office.tasks.service import NewTask, Tasks, ToPerson, ToUnit


class Prompts:
    """Open and end the tasks of a notice that is being prepared, in the caller's transaction."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    async def review(self, notice: Notice, by: UUID) -> None:
        """Ask those who may review in the unit; what was asked of the drafter is done."""
        subject = draft_subject(notice.id)
        await self._tasks.done(TaskKind.RETURN, subject, person=notice.created_by, by=by)
        await self._ask(notice, TaskKind.REVIEW, "审核", by, Permission.NOTICES_REVIEW)

    async def issue(self, notice: Notice, by: UUID) -> None:
        """Ask those who may issue in the unit; what was asked of the reviewers is done."""
        await self._tasks.done(TaskKind.REVIEW, draft_subject(notice.id), unit=notice.publisher_id, by=by)
        await self._ask(notice, TaskKind.ISSUE, "签发", by, Permission.NOTICES_ISSUE)

    async def rework(self, notice: Notice, by: UUID, was: NoticeStatus) -> None:
        """Ask the drafter to revise a notice that was returned; who returned it has done their part."""
        kind = TaskKind.REVIEW if was is NoticeStatus.REVIEWING else TaskKind.ISSUE
        await self._tasks.done(kind, draft_subject(notice.id), unit=notice.publisher_id, by=by)
        new = self._new(notice, TaskKind.RETURN, "修改被退回的", by)
        await self._tasks.open(new, ToPerson(notice.created_by, notice.publisher_id))

    async def issued(self, notice: Notice, by: UUID) -> None:
        """Note that the notice was issued: nothing else is to be done before its publication."""
        await self._tasks.done(TaskKind.ISSUE, draft_subject(notice.id), unit=notice.publisher_id, by=by)
        await self._tasks.withdraw(draft_subject(notice.id), "通知已签发", by=by)

    async def recalled(self, notice: Notice, by: UUID) -> None:
        """Note that the drafter has taken the notice back."""
        await self._tasks.withdraw(draft_subject(notice.id), "起草人已收回", by=by)

    async def _ask(self, notice: Notice, kind: TaskKind, verb: str, by: UUID, need: Permission) -> None:
        await self._tasks.open(self._new(notice, kind, verb, by), ToUnit(notice.publisher_id, (need,)))

    @staticmethod
    def _new(notice: Notice, kind: TaskKind, verb: str, by: UUID) -> NewTask:
        return NewTask(
            kind=kind,
            key=f"notice/{notice.id}/{kind}/{notice.version}",
            subject=draft_subject(notice.id),
            title=f"{verb}《{notice.title}》",
            link=f"/notices/outbox/{notice.id}",
            urgency=notice.urgency,
            owner=by,
            owner_unit_id=notice.publisher_id,
        )
