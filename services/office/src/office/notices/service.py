"""What may be done with a notice, by whom, and what follows from it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import RoleRequired
from contracts.office import NoticeForwardedV1, NoticePublishedV1, NoticeSignedV1
from office.actors import Actor
from office.base import outbox
from office.directory import service as directory
from office.directory.models import Unit
from office.notices import repository, rules
from office.notices.errors import (
    AlreadyForwarded,
    BadDeadline,
    ClassifiedDocumentRefused,
    DeadlineAfterParents,
    NothingBelow,
    OwnNotice,
    WorkdaysNotPublished,
)
from office.notices.models import Content, Forwarding, Notice, Read, Signature
from office.notices.repository import Cover, Received, Sight
from servicekit.paging import Cut, PageRequest, cut, instant
from servicekit.problems import NotFound


@dataclass(frozen=True)
class Delivered:
    """A forwarding and the number of units it went to."""

    notice: Notice
    forwarding: Forwarding
    delivered_to: int


@dataclass(frozen=True)
class View:
    """Everything one unit, and one person in it, sees of a notice."""

    notice: Notice
    publisher: Unit | None
    delivery: Forwarding | None
    sender: Unit | None
    covers: list[Cover]
    signature: Signature | None
    forwarding: Forwarding | None
    read_at: datetime | None


# --- the publisher ---


async def draft(session: AsyncSession, actor: Actor, content: Content, secrecy: str, now: datetime) -> Notice:
    """Write a draft.

    Raises `ClassifiedDocumentRefused`, `BadDeadline`, `NothingBelow`, `DocumentNumberTaken`.
    """
    unit = await directory.own_unit(session, actor)
    _check(content, secrecy, now)
    await _count_below(session, unit)
    notice = Notice.draft(content, publisher=unit.id, by=actor.sub, now=now)
    await repository.save(session, notice)
    return notice


async def edit(
    session: AsyncSession,
    actor: Actor,
    notice_id: UUID,
    content: Content,
    secrecy: str,
    seen: frozenset[str],
    now: datetime,
) -> Notice:
    """Replace a draft of the version `seen`. Raises as `draft` does, and `NotDraft`, `VersionChanged`."""
    notice = await _own(session, actor, notice_id)
    notice.check_seen(seen)
    _check(content, secrecy, now)
    notice.edit(content, now=now)
    await repository.save(session, notice)
    return notice


async def publish(
    session: AsyncSession, actor: Actor, notice_id: UUID, seen: frozenset[str] | None, now: datetime
) -> Delivered:
    """Issue a draft (签发); the same few rows however many units are below.

    Raises `NotDraft`, `NothingBelow`, `BadDeadline`, `WorkdaysNotPublished`; `VersionChanged` when `seen` is
    given and the approver has seen another version.
    """
    unit = await directory.own_unit(session, actor)
    notice = await _own(session, actor, notice_id)
    if seen is not None:
        notice.check_seen(seen)
    delivered_to = await _count_below(session, unit)
    due = _deadline(notice, now)
    notice.publish(by=actor.sub, now=now, deadline=due)
    await repository.save(session, notice)
    forwarding = Forwarding(
        notice_id=notice.id,
        unit_id=unit.id,
        cover_text=None,
        deadline=due,
        forwarded_by=actor.sub,
        forwarded_at=now,
    )
    await repository.add_forwarding(session, forwarding)
    event = NoticePublishedV1(
        notice_id=notice.id,
        document_number=notice.document_number,
        title=notice.title,
        publisher_unit_id=unit.id,
        publisher_unit_path=unit.path,
        published_at=now,
        deadline=due,
    )
    outbox.add(session, event, subject=notice.id, sequence=notice.version)
    return Delivered(notice, forwarding, delivered_to)


async def withdraw(session: AsyncSession, actor: Actor, notice_id: UUID, now: datetime) -> Notice:
    """Take a notice back (撤回). Raises `NotPublished`, `NoticeWithdrawn`."""
    notice = await _own(session, actor, notice_id)
    notice.withdraw(by=actor.sub, now=now)
    await repository.save(session, notice)
    return notice


async def list_outbox(
    session: AsyncSession, actor: Actor, paging: PageRequest, *, status: str | None
) -> Cut[Notice]:
    """Return the unit's own notices, newest first."""
    unit = await directory.own_unit(session, actor)
    after = paging.key(UUID)
    notices = await repository.outbox_page(session, unit, status=status, after=after, limit=paging.limit + 1)
    return cut(notices, paging.limit, lambda notice: [notice.id])


# --- the recipients ---


async def forward(
    session: AsyncSession,
    actor: Actor,
    notice_id: UUID,
    cover_text: str | None,
    deadline: datetime | None,
    now: datetime,
) -> Delivered:
    """Pass a notice on to the units directly below (转发), in the parent's time or less.

    Raises `NotFound`, `AlreadyForwarded`, `NothingBelow`, `DeadlineAfterParents`, `BadDeadline`,
    `ClassifiedDocumentRefused`, `NoticeWithdrawn`.
    """
    unit = await directory.own_unit(session, actor)
    notice, delivery = await visible(session, actor, unit, notice_id)
    notice.check_published()
    if delivery is None:
        raise AlreadyForwarded
    if cover_text is not None and rules.is_classified(rules.UNCLASSIFIED, [cover_text]):
        raise ClassifiedDocumentRefused
    if deadline is not None:
        if deadline > delivery.deadline:
            raise DeadlineAfterParents
        _check_deadline(deadline, now)
    delivered_to = await _count_below(session, unit)
    forwarding = Forwarding(
        notice_id=notice.id,
        unit_id=unit.id,
        cover_text=cover_text,
        deadline=deadline or delivery.deadline,
        forwarded_by=actor.sub,
        forwarded_at=now,
    )
    if not await repository.add_forwarding(session, forwarding):
        raise AlreadyForwarded
    event = NoticeForwardedV1(
        notice_id=notice.id,
        unit_id=unit.id,
        unit_path=unit.path,
        forwarded_by=actor.sub,
        forwarded_at=now,
    )
    outbox.add(session, event, subject=notice.id)
    return Delivered(notice, forwarding, delivered_to)


async def sign(session: AsyncSession, actor: Actor, notice_id: UUID, now: datetime) -> tuple[Signature, bool]:
    """Acknowledge receipt for the unit (签收); the fact, and whether it is new.

    Raises `NotFound` before delivery, `OwnNotice`, `NoticeWithdrawn`.
    """
    unit = await directory.own_unit(session, actor)
    notice, delivery = await visible(session, actor, unit, notice_id)
    notice.check_published()
    if delivery is None:
        raise OwnNotice
    signature = Signature(notice_id=notice.id, unit_id=unit.id, signed_by=actor.sub, signed_at=now)
    if not await repository.add_signature(session, signature):
        first = await repository.get_signature(session, notice.id, unit)
        assert first is not None
        return first, False
    event = NoticeSignedV1(
        notice_id=notice.id, unit_id=unit.id, unit_path=unit.path, signed_by=actor.sub, signed_at=now
    )
    outbox.add(session, event, subject=notice.id)
    return signature, True


async def read(session: AsyncSession, actor: Actor, notice_id: UUID, now: datetime) -> datetime | None:
    """Record that the person has read the notice; when they first did, or None for the publisher's people.

    Raises `NotFound`, `NoticeWithdrawn`.
    """
    unit = await directory.own_unit(session, actor)
    sight = await visible(session, actor, unit, notice_id)
    sight.notice.check_published()
    return await _record_read(session, actor, unit, sight, now)


async def view(session: AsyncSession, actor: Actor, notice_id: UUID, now: datetime) -> View:
    """Return the notice as the actor sees it; for a recipient, reading it is recorded. Raises `NotFound`."""
    unit = await directory.own_unit(session, actor)
    sight = await visible(session, actor, unit, notice_id)
    notice, delivery = sight
    read_at = None
    if notice.status == "published":
        read_at = await _record_read(session, actor, unit, sight, now)
    return View(
        notice=notice,
        publisher=await repository.get_unit(session, notice.publisher_id),
        delivery=delivery,
        sender=None if delivery is None else await repository.get_unit(session, delivery.unit_id),
        covers=[] if delivery is None else await repository.covers(session, notice.id, unit),
        signature=await repository.get_signature(session, notice.id, unit),
        forwarding=await repository.get_forwarding(session, notice.id, unit),
        read_at=read_at,
    )


async def list_inbox(
    session: AsyncSession, actor: Actor, paging: PageRequest, *, signed: bool | None
) -> Cut[Received]:
    """Return what the unit has, latest delivery first; withdrawn notices are left out."""
    unit = await directory.own_unit(session, actor)
    after = paging.key(instant, UUID)
    rows = await repository.inbox_page(
        session, unit, actor.sub, signed=signed, after=after, limit=paging.limit + 1
    )
    return cut(rows, paging.limit, lambda row: [row.delivery.forwarded_at.isoformat(), row.notice.id])


async def visible(session: AsyncSession, actor: Actor, unit: Unit, notice_id: UUID) -> Sight:
    """Return the notice if `unit` published or has it. Raises `NotFound`: absent and not yours look alike."""
    sight = await repository.find(session, notice_id, unit)
    if sight is None:
        raise NotFound
    if sight.notice.status == "draft" and not actor.has_role(*rules.DRAFTING_ROLES):
        raise NotFound
    return sight


# --- shared steps ---


async def _own(session: AsyncSession, actor: Actor, notice_id: UUID) -> Notice:
    """Return the unit's own notice, locked. Raises `NotFound`, or `RoleRequired` for a received one."""
    unit = await directory.own_unit(session, actor)
    notice = await repository.lock_own(session, notice_id, unit)
    if notice is not None:
        return notice
    await visible(session, actor, unit, notice_id)
    raise RoleRequired("只有发文单位可以执行此操作。")


async def _count_below(session: AsyncSession, unit: Unit) -> int:
    count = await directory.count_children(session, unit)
    if count == 0:
        raise NothingBelow
    return count


async def _record_read(
    session: AsyncSession, actor: Actor, unit: Unit, sight: Sight, now: datetime
) -> datetime | None:
    if sight.delivery is None:
        return None
    row = Read(notice_id=sight.notice.id, sub=actor.sub, unit_id=unit.id, read_at=now)
    if await repository.add_read(session, row):
        return now
    first = await repository.get_read(session, sight.notice.id, actor.sub)
    return None if first is None else first.read_at


def _check(content: Content, secrecy: str, now: datetime) -> None:
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
