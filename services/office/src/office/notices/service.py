"""The life cycle of a notice: draft, publish, withdraw."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import RoleRequired
from contracts.office import NoticePublishedV1, NoticeWithdrawnV1
from contracts.vocabulary import NoticeStatus
from office.actors import Actor
from office.addressing.service import Addressing
from office.base import outbox
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.service import Dispatches
from office.notices import rules
from office.notices.errors import (
    BadDeadline,
    ClassifiedDocumentRefused,
    WorkdaysNotPublished,
)
from office.notices.models import Notice, NoticeContent, VisibleNotice
from office.notices.repository import NoticeRepository
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.paging import Cut, PageRequest, cut
from servicekit.problems import NotFound


@dataclass(frozen=True)
class Published:
    """A notice that was published, and the number of units that it reached."""

    notice: Notice
    delivered_to: int


class Notices:
    """Manage notices within one request: drafting, publishing, withdrawing."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        addressing: Addressing,
        dispatches: Dispatches,
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._addressing = addressing
        self._dispatches = dispatches
        self._notices = NoticeRepository(session)

    async def draft(self, actor: Actor, content: NoticeContent, secrecy: str) -> Notice:
        """Create a draft.

        Raises `ClassifiedDocumentRefused`, `BadDeadline`, `NothingBelow`, `RecipientsOutOfReach`,
        `DocumentNumberTaken`.
        """
        unit = await self._units.own(actor)
        now = self._clock.now()
        _check(content, secrecy, now)
        await self._addressing.count(unit, content.recipients)
        notice = Notice.draft(content, publisher=unit.id, by=actor.sub, now=now)
        await self._notices.save(notice)
        return notice

    async def edit(
        self, actor: Actor, notice_id: UUID, content: NoticeContent, secrecy: str, seen: SeenVersions
    ) -> Notice:
        """Replace a draft. Raises as `draft` does, `NotDraft`, and `VersionChanged` if `seen` is outdated."""
        notice = await self._own(actor, notice_id)
        now = self._clock.now()
        seen.require(notice.version)
        _check(content, secrecy, now)
        notice.edit(content, now=now)
        await self._notices.save(notice)
        return notice

    async def publish(self, actor: Actor, notice_id: UUID, seen: SeenVersions | None) -> Published:
        """Publish a draft (签发); the number of rows written does not depend on the number of recipients.

        Raises `NotDraft`, `NothingBelow`, `RecipientsOutOfReach`, `BadDeadline`, `WorkdaysNotPublished`;
        `VersionChanged` if `seen` is given and is not the current version.
        """
        unit = await self._units.own(actor)
        notice = await self._own(actor, notice_id)
        if seen is not None:
            seen.require(notice.version)
        now = self._clock.now()
        due = _deadline(notice, now)
        notice.publish(by=actor.sub, now=now, deadline=due)
        await self._notices.save(notice)
        sent = await self._dispatches.send(
            notice.id, unit, notice.recipients, cover_text=None, deadline=due, by=actor.sub, now=now
        )
        event = NoticePublishedV1(
            notice_id=notice.id,
            document_number=notice.document_number,
            title=notice.title,
            publisher_unit_id=unit.id,
            publisher_unit_path=unit.path,
            published_at=now,
            deadline=due,
        )
        outbox.add(self._session, event, subject=notice.id, sequence=notice.version)
        return Published(notice, sent.delivered_to)

    async def withdraw(self, actor: Actor, notice_id: UUID) -> Notice:
        """Withdraw a notice (撤回). Raises `NotPublished`, `NoticeWithdrawn`."""
        unit = await self._units.own(actor)
        await self._dispatches.stop(notice_id)
        notice = await self._own(actor, notice_id)
        now = self._clock.now()
        notice.withdraw(by=actor.sub, now=now)
        await self._notices.save(notice)
        event = NoticeWithdrawnV1(
            notice_id=notice.id,
            publisher_unit_id=unit.id,
            publisher_unit_path=unit.path,
            withdrawn_by=actor.sub,
            withdrawn_at=now,
        )
        outbox.add(self._session, event, subject=notice.id, sequence=notice.version)
        return notice

    async def list_own(self, actor: Actor, paging: PageRequest, *, status: str | None) -> Cut[Notice]:
        """Return the unit's own notices, newest first."""
        unit = await self._units.own(actor)
        after = paging.key(UUID)
        notices = await self._notices.published_by(
            unit, status=status, after=None if after is None else after[0], limit=paging.limit + 1
        )
        return cut(notices, paging.limit, lambda notice: [notice.id])

    async def visible(self, actor: Actor, unit: Unit, notice_id: UUID) -> VisibleNotice:
        """Return the notice if `unit` published or has it.

        Raises `NotFound`, also for an existing notice that the unit must not see.
        """
        notice = await self._notices.get(notice_id)
        if notice is None:
            raise NotFound
        if notice.publisher_id == unit.id:
            if notice.status is NoticeStatus.DRAFT and not actor.has_role(*rules.DRAFTING_ROLES):
                raise NotFound
            return VisibleNotice(notice, None, unit.path)
        delivery = None
        if notice.status is not NoticeStatus.DRAFT:
            delivery = await self._dispatches.delivery(notice_id, unit)
        if delivery is None:
            raise NotFound
        return VisibleNotice(notice, *delivery)

    async def circulating(self, actor: Actor, unit: Unit, notice_id: UUID) -> VisibleNotice:
        """Return the notice as `visible` does, and keep it from being withdrawn until the transaction ends.

        Take the time of what happens to it afterwards, so that it is not later than a withdrawal. Raises
        `NotFound`, `NotPublished`, `NoticeWithdrawn`.
        """
        await self._dispatches.hold(notice_id)
        found = await self.visible(actor, unit, notice_id)
        found.notice.check_published()
        return found

    async def _own(self, actor: Actor, notice_id: UUID) -> Notice:
        """Return the unit's own notice, locked. Raises `NotFound`, or `RoleRequired` for a received one."""
        unit = await self._units.own(actor)
        notice = await self._notices.lock_own(notice_id, unit)
        if notice is not None:
            return notice
        await self.visible(actor, unit, notice_id)
        raise RoleRequired("只有发文单位可以执行此操作。")


def _check(content: NoticeContent, secrecy: str, now: datetime) -> None:
    words = [content.title, *content.body]
    words += [text for attachment in content.attachments for text in attachment.values() if text]
    if rules.is_classified(secrecy, words):
        raise ClassifiedDocumentRefused
    if content.deadline is not None:
        _check_deadline(content.deadline, now)


def _check_deadline(deadline: datetime, now: datetime) -> None:
    try:
        rules.check_deadline(deadline, now)
    except rules.DeadlineOutOfRangeError as error:
        raise BadDeadline from error


def _deadline(notice: Notice, now: datetime) -> datetime:
    if notice.deadline is not None:
        _check_deadline(notice.deadline, now)
        return notice.deadline
    try:
        return rules.deadline(notice.urgency_class, notice.deadline_workdays, now)
    except rules.CalendarNotPublishedError as error:
        raise WorkdaysNotPublished(error.year) from error
