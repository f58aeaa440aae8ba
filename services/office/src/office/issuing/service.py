"""The life cycle of a notice after its draft: review, issue, publication, withdrawal, archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import PermissionRequired
from contracts.documents import NoticeKind, NoticeStep, Urgency
from contracts.office import (
    NoticeArchivedV1,
    NoticePublishedV1,
    NoticeSupersededV1,
    NoticeWithdrawnV1,
)
from contracts.vocabulary import NoticeStatus, Permission
from office.actors import Actor
from office.addressing.service import Addressing
from office.asking.service import Asking
from office.base import job_queue, outbox
from office.directory.errors import UnitInactive
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.service import Dispatches
from office.issuing.kinds import ENDED, EndedNotice
from office.issuing.prompts import Prompts
from office.notices import rules
from office.notices.errors import (
    BadPublishingTime,
    ClassifiedDocumentRefused,
    DraftIncomplete,
    NoReviewer,
    NotReplaceable,
    OwnDraft,
    ReviewRequired,
    WorkdaysNotPublished,
)
from office.notices.models import Notice
from office.notices.service import Notices, OwnNotice, check_deadline
from office.numbering.service import Numbering
from office.tasks.service import Tasks
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.problems import Problem

UNREVIEWED = "本单位没有其他审核人，未经审核直接签发。"


@dataclass(frozen=True)
class Issued:
    """A notice that was issued, and the number of units that it reached; None: it is published later."""

    own: OwnNotice
    delivered_to: int | None


class Issuing:
    """Review, issue, publish, withdraw and archive notices within one request.

    Locks: the circulation of a notice (`Dispatches.stop`), then its row, then those of a notice that it
    replaces, then the counter of its number.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        addressing: Addressing,
        dispatches: Dispatches,
        numbering: Numbering,
        notices: Notices,
        tasks: Tasks,
        asking: Asking,
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._addressing = addressing
        self._dispatches = dispatches
        self._numbering = numbering
        self._notices = notices
        self._prompts = Prompts(tasks)
        self._asking = asking

    async def submit(self, actor: Actor, notice_id: UUID, seen: SeenVersions | None) -> OwnNotice:
        """Submit a draft for review (送审).

        Raises `NotDraft`, `DraftIncomplete`, `NoReviewer`, `NothingBelow`, `RecipientsOutOfReach`,
        `VersionChanged`.
        """
        notice = await self._seen(actor, notice_id, seen)
        notice.check_draft()
        await self._check_complete(await self._units.own(actor), notice)
        if not await self._notices.has_reviewer(notice):
            raise NoReviewer
        now = self._clock.now()
        notice.submit(now)
        await self._prompts.review(notice, actor.sub)
        return await self._done(notice, NoticeStep.SUBMITTED, actor, now)

    async def recall(self, actor: Actor, notice_id: UUID) -> OwnNotice:
        """Take a notice back from its review (收回). Raises `NotReviewing`."""
        notice = await self._notices.own(actor, notice_id)
        now = self._clock.now()
        notice.recall(now)
        await self._prompts.recalled(notice, actor.sub)
        return await self._done(notice, NoticeStep.RECALLED, actor, now)

    async def approve(
        self, actor: Actor, notice_id: UUID, opinion: str | None, seen: SeenVersions | None
    ) -> OwnNotice:
        """End the review (审核通过).

        Raises `NotReviewing`, `OwnDraft`, `ClassifiedDocumentRefused`, `VersionChanged`.
        """
        notice = await self._seen(actor, notice_id, seen)
        notice.check_reviewing()
        if await self._notices.is_author(actor.sub, notice):
            raise OwnDraft
        _check_text(opinion or "")
        now = self._clock.now()
        notice.approve(now)
        await self._prompts.issue(notice, actor.sub)
        return await self._done(notice, NoticeStep.APPROVED, actor, now, opinion)

    async def send_back(self, actor: Actor, notice_id: UUID, reason: str) -> OwnNotice:
        """Return a notice to its drafter (退回修改): during its review, or the issuer after it.

        Raises `NotReturnable`, `PermissionRequired`, `ClassifiedDocumentRefused`.
        """
        notice = await self._notices.own(actor, notice_id)
        if notice.status is NoticeStatus.REVIEWED and not actor.may(Permission.NOTICES_ISSUE):
            raise PermissionRequired
        _check_text(reason)
        was, now = notice.status, self._clock.now()
        notice.send_back(now)
        await self._prompts.rework(notice, actor.sub, was)
        return await self._done(notice, NoticeStep.RETURNED, actor, now, reason)

    async def issue(
        self, actor: Actor, notice_id: UUID, publish_at: datetime | None, seen: SeenVersions | None
    ) -> Issued:
        """Issue a notice (签发): give it its number, and publish it now or have it published at `publish_at`.

        An issued notice that still waits is published now. Raises `ReviewRequired` if it has not been
        reviewed and the unit has somebody who can, `AlreadyIssued`, `DraftIncomplete`, `NothingBelow`,
        `RecipientsOutOfReach`, `BadDeadline`, `WorkdaysNotPublished`, `BadPublishingTime`, `NotReplaceable`,
        `NoSeries`, `UnknownPrefix`, `NumbersExhausted`, `VersionChanged`.
        """
        unit = await self._units.own(actor)
        notice = await self._seen(actor, notice_id, seen)
        now = self._clock.now()
        if notice.status is not NoticeStatus.ISSUED:
            await self._give_number(actor, unit, notice, publish_at, now)
        if publish_at is not None:
            await self._addressing.count(unit, notice.recipients)
            return Issued(await self._notices.shown(notice), None)
        reached = await self._publish(notice, unit, actor.sub, now)
        return Issued(await self._notices.shown(notice), reached)

    def due(self, urgency: Urgency, workdays: int | None, publish_at: datetime | None) -> datetime:
        """Return the deadline of a notice that is published at `publish_at`, or now.

        Raises `BadPublishingTime`, `WorkdaysNotPublished`.
        """
        now = self._clock.now()
        if publish_at is not None and not rules.is_publishing_time(publish_at, now):
            raise BadPublishingTime
        return _by_workdays(urgency, workdays, publish_at or now)

    async def publish_due(self) -> bool:
        """Publish one notice whose time has come; return False if there is none.

        If it cannot be published any more, it waits for its issuer, and its history has the reason.
        """
        now = self._clock.now()
        notice = await self._notices.lock_due(now)
        if notice is None:
            return False
        assert notice.issued_by is not None
        unit = await self._units.get(notice.publisher_id)
        try:
            async with self._session.begin_nested():
                if unit is None or not unit.is_active:
                    raise UnitInactive
                await self._publish(notice, unit, notice.issued_by, now)
        except Problem as problem:
            await self._session.refresh(notice)
            notice.postpone(now)
            await self._notices.save(notice, NoticeStep.POSTPONED, by=None, now=now, note=problem.detail)
        return True

    async def withdraw(self, actor: Actor, notice_id: UUID, reason: str) -> OwnNotice:
        """Withdraw a notice (撤回). Raises `NotPublished`, `NoticeWithdrawn` and the like."""
        unit = await self._units.own(actor)
        await self._dispatches.stop(notice_id)
        notice = await self._notices.own(actor, notice_id)
        _check_text(reason)
        now = self._clock.now()
        was = notice.status
        notice.withdraw(reason, by=actor.sub, now=now)
        if was is NoticeStatus.PUBLISHED:
            await self._end_circulation(notice, f"通知已撤回：{reason}", actor.sub)
        await self._numbering.void(notice.id, reason, now)
        event = NoticeWithdrawnV1(
            notice_id=notice.id,
            publisher_unit_id=unit.id,
            publisher_unit_path=unit.path,
            withdrawn_by=actor.sub,
            withdrawn_at=now,
            reason=reason,
        )
        outbox.add(self._session, event, subject=notice.id, sequence=notice.version)
        return await self._done(notice, NoticeStep.WITHDRAWN, actor, now, reason)

    async def archive(self, actor: Actor, notice_id: UUID) -> OwnNotice:
        """Archive a published notice (归档). Raises `NotPublished` and the like."""
        await self._dispatches.stop(notice_id)
        notice = await self._notices.own(actor, notice_id)
        await self._archive(notice, actor.sub)
        return await self._notices.shown(notice)

    async def archivable(self, before: datetime, limit: int) -> Sequence[UUID]:
        """Return notices that were published before `before`, are past their deadline and not archived."""
        return await self._notices.archivable(before, limit)

    async def archive_older(self, notice_id: UUID, before: datetime) -> None:
        """Archive a notice of before `before`, unless something else has happened to it."""
        await self._dispatches.stop(notice_id)
        notice = await self._notices.lock(notice_id)
        if notice is None or notice.status is not NoticeStatus.PUBLISHED:
            return
        assert notice.published_at is not None
        if notice.published_at < before:
            await self._archive(notice, None)

    async def _give_number(
        self, actor: Actor, unit: Unit, notice: Notice, publish_at: datetime | None, now: datetime
    ) -> None:
        notice.check_unissued()
        note = None
        if notice.status is not NoticeStatus.REVIEWED:
            # Who issues it has looked at it: another person's review is what may be missing.
            if await self._notices.has_reviewer(notice, besides=actor.sub):
                raise ReviewRequired
            note = UNREVIEWED
        if publish_at is not None and not rules.is_publishing_time(publish_at, now):
            raise BadPublishingTime
        await self._check_complete(unit, notice)
        _deadline(notice, publish_at or now)
        number = await self._numbering.give(
            unit.id, notice.number_prefix, subject=notice.id, title=notice.title, by=actor.sub, now=now
        )
        notice.number_prefix = number.prefix
        notice.issue(number.text, by=actor.sub, now=now, publish_at=publish_at)
        await self._notices.save(notice, NoticeStep.ISSUED, by=actor.sub, now=now, note=note)
        await self._prompts.issued(notice, actor.sub)

    async def _publish(self, notice: Notice, unit: Unit, by: UUID, now: datetime) -> int:
        """Publish an issued notice; the number of rows written does not depend on that of recipients."""
        due = _deadline(notice, now)
        notice.publish(now=now, deadline=due)
        await self._notices.save(notice, NoticeStep.PUBLISHED, by=by, now=now)
        sent = await self._dispatches.send(
            notice.id, unit, notice.recipients, cover_text=None, deadline=due, by=by, now=now
        )
        await self._asking.dispatched(notice, sent.forwarding, sent.address)
        await self._replace(notice, unit, by, now)
        assert notice.document_number is not None
        event = NoticePublishedV1(
            notice_id=notice.id,
            document_number=notice.document_number,
            title=notice.title,
            publisher_unit_id=unit.id,
            publisher_unit_path=unit.path,
            published_at=now,
            deadline=due,
            kind=notice.kind,
        )
        outbox.add(self._session, event, subject=notice.id, sequence=notice.version)
        return sent.delivered_to

    async def _replace(self, notice: Notice, unit: Unit, by: UUID, now: datetime) -> None:
        """Have the notice replace an earlier one (被替代). Raises `NotReplaceable`."""
        if notice.supersedes_id is None:
            return
        await self._dispatches.stop(notice.supersedes_id)
        earlier = await self._notices.lock(notice.supersedes_id)
        if earlier is None or earlier.status is not NoticeStatus.PUBLISHED:
            raise NotReplaceable
        earlier.supersede(notice.id, now)
        note = f"由{notice.document_number}替代。"
        await self._end_circulation(earlier, f"通知已被替代：{note}", by)
        await self._notices.save(earlier, NoticeStep.SUPERSEDED, by=by, now=now, note=note)
        event = NoticeSupersededV1(
            notice_id=earlier.id,
            publisher_unit_id=unit.id,
            publisher_unit_path=unit.path,
            superseded_by=notice.id,
            superseded_at=now,
        )
        outbox.add(self._session, event, subject=earlier.id, sequence=earlier.version)

    async def _archive(self, notice: Notice, by: UUID | None) -> None:
        now = self._clock.now()
        notice.archive(now)
        await self._end_circulation(notice, "通知已归档", by)
        await self._notices.save(notice, NoticeStep.ARCHIVED, by=by, now=now)
        event = NoticeArchivedV1(
            notice_id=notice.id,
            publisher_unit_id=notice.publisher_id,
            archived_by=by,
            archived_at=now,
        )
        outbox.add(self._session, event, subject=notice.id, sequence=notice.version)

    async def _end_circulation(self, notice: Notice, cause: str, by: UUID | None) -> None:
        """Have what recipients still have to do with the notice withdrawn; there may be many of them."""
        await self._asking.ended(notice, cause, by)
        await job_queue.enqueue(self._session, ENDED, EndedNotice(notice_id=notice.id, cause=cause, by=by))

    async def _seen(self, actor: Actor, notice_id: UUID, seen: SeenVersions | None) -> Notice:
        notice = await self._notices.own(actor, notice_id)
        if seen is not None:
            seen.require(notice.version)
        return notice

    async def _check_complete(self, unit: Unit, notice: Notice) -> None:
        if notice.missing:
            raise DraftIncomplete(notice.missing)
        await self._addressing.count(unit, notice.recipients)

    async def _done(
        self, notice: Notice, step: NoticeStep, actor: Actor, now: datetime, note: str | None = None
    ) -> OwnNotice:
        await self._notices.save(notice, step, by=actor.sub, now=now, note=note)
        return await self._notices.shown(notice)


def _check_text(text: str) -> None:
    if rules.is_classified(rules.UNCLASSIFIED, [text]):
        raise ClassifiedDocumentRefused


def _deadline(notice: Notice, published_at: datetime) -> datetime:
    """Return the deadline of a notice that is published at `published_at`."""
    if notice.deadline is not None:
        check_deadline(notice.deadline, published_at)
        return notice.deadline
    try:
        return _by_workdays(notice.urgency, notice.deadline_workdays, published_at)
    except WorkdaysNotPublished:
        if notice.kind is NoticeKind.ANNOUNCEMENT and notice.deadline_workdays is None:
            # Nobody signs an announcement, so its date is of no consequence.
            return published_at + rules.ANNOUNCED
        raise


def _by_workdays(urgency: Urgency, workdays: int | None, published_at: datetime) -> datetime:
    try:
        return rules.deadline(urgency, workdays, published_at)
    except rules.CalendarNotPublishedError as error:
        raise WorkdaysNotPublished(error.year) from error
