"""The life cycle of a notice: draft, publish, forward down the authority tree, withdraw."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import RoleRequired
from contracts.office import NoticeForwardedV1, NoticePublishedV1, NoticeWithdrawnV1
from contracts.vocabulary import NoticeStatus
from office.actors import Actor
from office.base import outbox
from office.directory.models import Unit
from office.directory.service import Units
from office.notices import rules
from office.notices.errors import (
    AlreadyForwarded,
    BadDeadline,
    ClassifiedDocumentRefused,
    DeadlineAfterParents,
    NothingBelow,
    WorkdaysNotPublished,
)
from office.notices.models import Forwarding, Notice, NoticeContent, VisibleNotice
from office.notices.repository import NoticeRepository
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.paging import Cut, PageRequest, cut
from servicekit.problems import NotFound


@dataclass(frozen=True)
class Dispatch:
    """A forwarding and the number of units that received it."""

    notice: Notice
    forwarding: Forwarding
    delivered_to: int


class Notices:
    """Manage notices within one request: drafting, publishing, withdrawing, forwarding."""

    def __init__(self, session: AsyncSession, clock: Clock, units: Units) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._notices = NoticeRepository(session)

    async def draft(self, actor: Actor, content: NoticeContent, secrecy: str) -> Notice:
        """Create a draft.

        Raises `ClassifiedDocumentRefused`, `BadDeadline`, `NothingBelow`, `DocumentNumberTaken`.
        """
        unit = await self._units.own(actor)
        now = self._clock.now()
        _check(content, secrecy, now)
        await self._count_below(unit)
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

    async def publish(self, actor: Actor, notice_id: UUID, seen: SeenVersions | None) -> Dispatch:
        """Publish a draft (签发); the number of rows written does not depend on the number of units below.

        Raises `NotDraft`, `NothingBelow`, `BadDeadline`, `WorkdaysNotPublished`; `VersionChanged` if `seen`
        is given and is not the current version.
        """
        unit = await self._units.own(actor)
        notice = await self._own(actor, notice_id)
        if seen is not None:
            seen.require(notice.version)
        delivered_to = await self._count_below(unit)
        now = self._clock.now()
        due = _deadline(notice, now)
        notice.publish(by=actor.sub, now=now, deadline=due)
        await self._notices.save(notice)
        forwarding = Forwarding(
            notice_id=notice.id,
            unit_id=unit.id,
            cover_text=None,
            deadline=due,
            forwarded_by=actor.sub,
            forwarded_at=now,
        )
        await self._notices.add_forwarding(forwarding)
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
        return Dispatch(notice, forwarding, delivered_to)

    async def forward(
        self, actor: Actor, notice_id: UUID, cover_text: str | None, deadline: datetime | None
    ) -> Dispatch:
        """Forward a notice to the units directly below (转发), due no later than the parent's deadline.

        Raises `NotFound`, `AlreadyForwarded`, `NothingBelow`, `DeadlineAfterParents`, `BadDeadline`,
        `ClassifiedDocumentRefused`, `NoticeWithdrawn`.
        """
        unit = await self._units.own(actor)
        notice, delivery, _ = await self.visible(actor, unit, notice_id)
        notice.check_published()
        if delivery is None:
            raise AlreadyForwarded
        if cover_text is not None and rules.is_classified(rules.UNCLASSIFIED, [cover_text]):
            raise ClassifiedDocumentRefused
        now = self._clock.now()
        if deadline is not None:
            if deadline > delivery.deadline:
                raise DeadlineAfterParents
            _check_deadline(deadline, now)
        delivered_to = await self._count_below(unit)
        forwarding = Forwarding(
            notice_id=notice.id,
            unit_id=unit.id,
            cover_text=cover_text,
            deadline=deadline or delivery.deadline,
            forwarded_by=actor.sub,
            forwarded_at=now,
        )
        if not await self._notices.add_forwarding(forwarding):
            raise AlreadyForwarded
        event = NoticeForwardedV1(
            notice_id=notice.id,
            unit_id=unit.id,
            unit_path=unit.path,
            forwarded_by=actor.sub,
            forwarded_at=now,
        )
        outbox.add(self._session, event, subject=notice.id)
        return Dispatch(notice, forwarding, delivered_to)

    async def withdraw(self, actor: Actor, notice_id: UUID) -> Notice:
        """Withdraw a notice (撤回). Raises `NotPublished`, `NoticeWithdrawn`."""
        unit = await self._units.own(actor)
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
        found = await self._notices.find(notice_id, unit)
        if found is None:
            raise NotFound
        if found.notice.status is NoticeStatus.DRAFT and not actor.has_role(*rules.DRAFTING_ROLES):
            raise NotFound
        return found

    async def _own(self, actor: Actor, notice_id: UUID) -> Notice:
        """Return the unit's own notice, locked. Raises `NotFound`, or `RoleRequired` for a received one."""
        unit = await self._units.own(actor)
        notice = await self._notices.lock_own(notice_id, unit)
        if notice is not None:
            return notice
        await self.visible(actor, unit, notice_id)
        raise RoleRequired("只有发文单位可以执行此操作。")

    async def _count_below(self, unit: Unit) -> int:
        count = await self._units.count_children(unit)
        if count == 0:
            raise NothingBelow
        return count


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
