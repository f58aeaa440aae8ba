"""Notices of a unit: drafts and their revisions, the outbox, and who may see what."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import PermissionRequired
from contracts.documents import NoticeStep
from contracts.vocabulary import NoticeStatus, Permission
from office.actors import Actor
from office.addressing.service import Addressing
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.service import Dispatches
from office.files.guards import Shown
from office.files.service import Attachments
from office.notices import rules
from office.notices.content import NoticeContent
from office.notices.errors import (
    BadDeadline,
    BodyTooDeep,
    ClassifiedDocumentRefused,
    NoticeWithdrawn,
    NotReplaceable,
    RevisionNotFound,
)
from office.notices.models import Notice, Revision, Step, VisibleNotice
from office.notices.repository import (
    NoticeRepository,
    NoticeTitle,
    OutboxFilter,
    OutboxOrder,
    Recipients,
)
from office.numbering.service import Numbering
from office.permissions import OFFICE
from office.tasks.service import Tasks
from office.writing.richtext import TooDeepError
from servicekit.clock import Clock
from servicekit.etags import SeenVersions, VersionChanged
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest
from servicekit.problems import NotFound


@dataclass(frozen=True)
class OwnNotice:
    """A notice of the unit, with the names of the people in its history."""

    notice: Notice
    names: dict[UUID, str]
    titles: dict[UUID, NoticeTitle]
    """Of the notices that it replaces and that replace it."""
    returned: Step | None = None
    """Why a draft was returned last."""


@dataclass(frozen=True)
class OldVersion:
    """A revision of a draft with its content, and the names of what it has the ids of."""

    revision: Revision
    content: NoticeContent
    names: dict[UUID, str]
    titles: dict[UUID, NoticeTitle]
    recipients: Recipients


@dataclass(frozen=True)
class Related:
    """A notice that replaces another one or is replaced by it; `received`: the unit can open it."""

    notice: Notice
    received: bool


class Notices:
    """Manage notices within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        addressing: Addressing,
        dispatches: Dispatches,
        numbering: Numbering,
        tasks: Tasks,
        files: Attachments,
    ) -> None:
        self._clock = clock
        self._units = units
        self._addressing = addressing
        self._dispatches = dispatches
        self._numbering = numbering
        self._tasks = tasks
        self._files = files
        self._notices = NoticeRepository(session)

    async def draft(self, actor: Actor, content: NoticeContent, secrecy: str) -> OwnNotice:
        """Create a draft; it may be incomplete.

        Raises `ClassifiedDocumentRefused`, `BodyTooDeep`, `BadDeadline`, `UnknownPrefix`, `NotReplaceable`,
        `NothingBelow`, `RecipientsOutOfReach`, `FileNotAttachable`, `TooManyAttachments`.
        """
        unit = await self._units.own(actor)
        now = self._clock.now()
        content = await self._checked(unit, content, secrecy, now)
        await self._addressing.count(unit, content.recipients)
        notice = Notice.draft(content, publisher=unit.id, by=actor.sub, now=now)
        await self.save(notice, NoticeStep.DRAFTED, by=actor.sub, now=now)
        await self._files.set(actor, rules.FILE_SUBJECT, notice.id, content.file_places())
        await self._revise(notice, actor.sub, now)
        return await self.shown(notice)

    async def edit(
        self, actor: Actor, notice_id: UUID, content: NoticeContent, secrecy: str, seen: SeenVersions
    ) -> OwnNotice:
        """Replace a draft. Raises as `draft` does, `NotDraft`, and `VersionChanged` if `seen` is outdated."""
        notice = await self.own(actor, notice_id)
        now = self._clock.now()
        if not seen.has(notice.version):
            names = await self._notices.names([notice.updated_by])
            raise VersionChanged.by(
                notice.version, sub=notice.updated_by, name=names.get(notice.updated_by), at=notice.updated_at
            )
        notice.check_draft()
        unit = await self._units.own(actor)
        content = await self._checked(unit, content, secrecy, now)
        notice.edit(content, by=actor.sub, now=now)
        await self._notices.save(notice)
        await self._revise(notice, actor.sub, now)
        # What a revision has can be restored.
        kept = await self._notices.files_of_revisions(notice.id)
        await self._files.set(actor, rules.FILE_SUBJECT, notice.id, content.file_places(), kept=kept)
        return await self.shown(notice)

    async def delete(self, actor: Actor, notice_id: UUID, seen: SeenVersions | None) -> None:
        """Delete a draft for good. Raises `NotFound`, `NotDraft`, `VersionChanged`."""
        notice = await self.own(actor, notice_id)
        if seen is not None:
            seen.require(notice.version)
        notice.check_draft()
        await self._tasks.withdraw(rules.draft_subject(notice.id), "草稿已删除", by=actor.sub, gone=True)
        await self._files.detach(rules.FILE_SUBJECT, notice.id)
        await self._notices.delete(notice)

    async def outbox(
        self, actor: Actor, paging: PageRequest, wanted: OutboxFilter, order: OutboxOrder
    ) -> tuple[Listed[Notice], dict[UUID, str], dict[UUID, NoticeTitle]]:
        """Return the unit's own notices, the newest first by `order`, the names of the people in them, and
        the titles of the notices that replace them.

        Drafts only to those who may draft. Raises `BadCursor`.
        """
        unit = await self._units.own(actor)
        wanted = replace(wanted, drafts=actor.may(Permission.NOTICES_DRAFT))
        found = await self._notices.outbox(unit, wanted, order, paging)
        people = {sub for one in found.items for sub in (one.created_by, one.updated_by, one.issued_by)}
        titles = await self._notices.titles(one.superseded_by_id for one in found.items)
        return found, await self._notices.names(people), titles

    async def counts(self, actor: Actor) -> dict[NoticeStatus, int]:
        """Return how many notices the unit has in each status, without drafts for those who may not draft."""
        unit = await self._units.own(actor)
        drafts = actor.may(Permission.NOTICES_DRAFT)
        return await self._notices.counts(unit, drafts=drafts)

    async def get_own(self, actor: Actor, notice_id: UUID) -> tuple[OwnNotice, Recipients]:
        """Return a notice of the unit with what only the unit sees, and whom it names. Raises `NotFound`."""
        notice = await self._visible_own(actor, notice_id)
        return await self.shown(notice), await self._notices.recipients(
            notice.publisher_id, notice.recipients
        )

    async def seen_draft(self, actor: Actor, notice_id: UUID) -> Notice:
        """Return a draft of the unit. Raises `NotFound`, `NotDraft`."""
        notice = await self._visible_own(actor, notice_id)
        notice.check_draft()
        return notice

    async def history(self, actor: Actor, notice_id: UUID) -> tuple[Sequence[Step], dict[UUID, str]]:
        """Return who did what when, the oldest step first, and the people's names. Raises `NotFound`."""
        notice = await self._visible_own(actor, notice_id)
        steps = await self._notices.steps(notice.id)
        return steps, await self._notices.names({step.by for step in steps})

    async def revisions(self, actor: Actor, notice_id: UUID) -> tuple[Sequence[Revision], dict[UUID, str]]:
        """Return the revisions of a draft, the latest first. Raises `NotFound`."""
        notice = await self._visible_own(actor, notice_id)
        revisions = await self._notices.revisions(notice.id)
        return revisions, await self._notices.names({one.by for one in revisions})

    async def revision(self, actor: Actor, notice_id: UUID, version: int) -> OldVersion:
        """Return one revision of a draft. Raises `NotFound`, `RevisionNotFound`."""
        notice = await self._visible_own(actor, notice_id)
        revision = await self._notices.revision(notice.id, version)
        if revision is None:
            raise RevisionNotFound
        content = NoticeContent.load(revision.content)
        return OldVersion(
            revision,
            content,
            names=await self._notices.names({revision.by}),
            titles=await self._notices.titles([content.supersedes_id]),
            recipients=await self._notices.recipients(notice.publisher_id, content.recipients),
        )

    async def restore(self, actor: Actor, notice_id: UUID, version: int, seen: SeenVersions) -> OwnNotice:
        """Replace a draft by one of its revisions; the present text stays a revision. Raises as `edit`."""
        old = await self.revision(actor, notice_id, version)
        return await self.edit(actor, notice_id, old.content, rules.UNCLASSIFIED, seen)

    async def visible(self, actor: Actor, unit: Unit, notice_id: UUID) -> VisibleNotice:
        """Return the notice if `unit` published or has it.

        Raises `NotFound`, also for an existing notice that the unit must not see.
        """
        notice = await self._notices.get(notice_id)
        if notice is None:
            raise NotFound
        if notice.publisher_id == unit.id:
            check_seen(actor, notice.status)
            return VisibleNotice(notice, None, unit.path)
        delivery = None
        if notice.published_at is not None:
            delivery = await self._dispatches.delivery(notice_id, unit)
        if delivery is None:
            raise NotFound
        return VisibleNotice(notice, *delivery)

    async def related(self, unit: Unit, notice_id: UUID | None) -> Related | None:
        """Return the notice that one of `unit`'s notices replaces, or that replaces it."""
        notice = None if notice_id is None else await self._notices.get(notice_id)
        if notice is None:
            return None
        if notice.publisher_id == unit.id:
            return Related(notice, received=True)
        delivery = await self._dispatches.delivery(notice.id, unit)
        return Related(notice, received=delivery is not None)

    async def files(self, actor: Actor, unit: Unit, notice_id: UUID) -> Shown:
        """Return which attachments the actor may see: recipients those of the document, while it is not
        withdrawn; the publisher also those of its revisions.

        Raises `NotFound`, `NoticeWithdrawn`.
        """
        found = await self.visible(actor, unit, notice_id)
        current = list(found.notice.content.file_places())
        if found.delivery is None:
            return Shown(current, await self._notices.files_of_revisions(notice_id))
        if found.notice.status is NoticeStatus.WITHDRAWN:
            raise NoticeWithdrawn
        return Shown(current)

    async def circulating(self, actor: Actor, unit: Unit, notice_id: UUID) -> VisibleNotice:
        """Return the notice as `visible` does, and keep it from being withdrawn until the transaction ends.

        Take the time of what happens to it afterwards, so that it is not later than a withdrawal. Raises
        `NotFound`, `NotPublished`, `NoticeWithdrawn` and the like.
        """
        await self._dispatches.hold(notice_id)
        found = await self.visible(actor, unit, notice_id)
        found.notice.check_published()
        return found

    async def own(self, actor: Actor, notice_id: UUID) -> Notice:
        """Return the unit's own notice, locked.

        Raises `NotFound`, or `PermissionRequired` for a received one.
        """
        unit = await self._units.own(actor)
        notice = await self._notices.lock_own(notice_id, unit)
        if notice is not None:
            check_seen(actor, notice.status)
            return notice
        await self.visible(actor, unit, notice_id)
        raise PermissionRequired("只有发文单位可以执行此操作。")

    async def lock(self, notice_id: UUID) -> Notice | None:
        """Return the notice, locked, whoever may see it."""
        return await self._notices.lock(notice_id)

    async def lock_due(self, now: datetime) -> Notice | None:
        """Return a notice whose time of publication has come, locked."""
        return await self._notices.lock_due(now)

    async def archivable(self, before: datetime, limit: int) -> Sequence[UUID]:
        """Return notices that were published before `before`, are past their deadline and not archived."""
        return await self._notices.archivable(before, self._clock.now(), limit)

    async def has_reviewer(self, notice: Notice, *, besides: UUID | None = None) -> bool:
        """Return whether anybody in the unit may review the notice: one who has not written it, and is not
        `besides`.
        """
        excluded = set(await self._notices.authors(notice))
        if besides is not None:
            excluded.add(besides)
        return await self._notices.has_reviewer(notice.publisher_id, excluded)

    async def is_author(self, sub: UUID, notice: Notice) -> bool:
        """Return whether the person has written the notice, all or in part."""
        return sub in await self._notices.authors(notice)

    async def save(
        self, notice: Notice, step: NoticeStep, *, by: UUID | None, now: datetime, note: str | None = None
    ) -> None:
        """Write a changed notice and the step that changed it."""
        await self._notices.save(notice)
        await self._notices.add_step(
            Step(id=new_id(), notice_id=notice.id, step=step, by=by, at=now, note=note)
        )

    async def shown(self, notice: Notice) -> OwnNotice:
        """Return the notice with what only its unit sees."""
        people = (notice.created_by, notice.updated_by, notice.issued_by, notice.withdrawn_by)
        names = await self._notices.names(people)
        returned = None
        if notice.status is NoticeStatus.DRAFT:
            returned = await self._notices.last_return(notice.id)
        titles = await self._notices.titles([notice.supersedes_id, notice.superseded_by_id])
        return OwnNotice(notice, names, titles, returned)

    async def _visible_own(self, actor: Actor, notice_id: UUID) -> Notice:
        unit = await self._units.own(actor)
        notice = await self._notices.get(notice_id)
        if notice is None or notice.publisher_id != unit.id:
            raise NotFound
        check_seen(actor, notice.status)
        if not actor.may(*OFFICE):
            raise NotFound
        return notice

    async def _checked(
        self, unit: Unit, content: NoticeContent, secrecy: str, now: datetime
    ) -> NoticeContent:
        """Return the content with a clean body, after all checks that do not depend on its completeness."""
        try:
            content = content.cleaned()
        except TooDeepError as error:
            raise BodyTooDeep from error
        if rules.is_classified(secrecy, content.texts()):
            raise ClassifiedDocumentRefused
        if content.deadline is not None:
            check_deadline(content.deadline, now)
        if content.number_prefix is not None:
            await self._numbering.usable(unit.id, content.number_prefix)
        if content.supersedes_id is not None:
            replaced = await self._notices.get(content.supersedes_id)
            if replaced is None or replaced.publisher_id != unit.id:
                raise NotReplaceable
            if replaced.status is not NoticeStatus.PUBLISHED:
                raise NotReplaceable
        return content

    async def _revise(self, notice: Notice, by: UUID, now: datetime) -> None:
        """Keep the draft as a revision; what one person saves in a few minutes becomes one."""
        last = await self._notices.last_revision(notice.id)
        if last is None or not last.continues(by, now):
            last = Revision(notice_id=notice.id, by=by, begun_at=now)
        last.version = notice.version
        last.content = notice.content.dump()
        last.at = now
        await self._notices.save_revision(last)


def check_deadline(deadline: datetime, now: datetime) -> None:
    """Raise `BadDeadline` unless the deadline is ahead, by a year at most."""
    try:
        rules.check_deadline(deadline, now)
    except rules.DeadlineOutOfRangeError as error:
        raise BadDeadline from error


def check_seen(actor: Actor, status: NoticeStatus) -> None:
    """Raise `NotFound` if a notice of the unit is not published yet and the person may not see it."""
    if status is NoticeStatus.DRAFT and not actor.may(Permission.NOTICES_DRAFT):
        raise NotFound
    if status in rules.IN_PREPARATION and not actor.may(*OFFICE):
        raise NotFound
