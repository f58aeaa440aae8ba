"""A unit's inbox, its signatures (签收) and the reads of its people (已读)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.office import NoticeSignedV1
from contracts.vocabulary import NoticeStatus
from office.actors import Actor
from office.base import outbox
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.models import Cover, Forwarding
from office.dispatches.service import Dispatches
from office.notices.models import Notice, VisibleNotice
from office.notices.service import Notices
from office.receipts.errors import OwnNotice
from office.receipts.models import Read, Signature
from office.receipts.repository import InboxLine, ReceiptRepository
from servicekit.clock import Clock
from servicekit.paging import Cut, PageRequest, cut, instant


@dataclass(frozen=True)
class NoticeView:
    """A notice with everything visible to one unit and one person in it."""

    notice: Notice
    publisher: Unit | None
    delivery: Forwarding | None
    sender: Unit | None
    covers: list[Cover]
    signature: Signature | None
    forwardings: list[Forwarding]
    read_at: datetime | None


class Receipts:
    """Read, sign and mark received notices within one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, units: Units, notices: Notices, dispatches: Dispatches
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._notices = notices
        self._dispatches = dispatches
        self._receipts = ReceiptRepository(session)

    async def inbox(self, actor: Actor, paging: PageRequest, *, signed: bool | None) -> Cut[InboxLine]:
        """Return the notices that the unit has, latest delivery first, without withdrawn ones."""
        unit = await self._units.own(actor)
        standing = await self._dispatches.standing(unit)
        after = paging.key(instant, UUID)
        lines = await self._receipts.inbox(
            standing, actor.sub, signed=signed, after=after, limit=paging.limit + 1
        )
        return cut(lines, paging.limit, lambda line: [line.delivery.forwarded_at.isoformat(), line.notice.id])

    async def view(self, actor: Actor, notice_id: UUID) -> NoticeView:
        """Return the notice as seen by the actor, and record that a recipient has read it.

        Raises `NotFound`.
        """
        unit = await self._units.own(actor)
        visible = await self._notices.visible(actor, unit, notice_id)
        notice, delivery, path = visible
        read_at = None
        if notice.status is NoticeStatus.PUBLISHED:
            read_at = await self._record_read(actor, unit, visible)
        return NoticeView(
            notice=notice,
            publisher=await self._units.get(notice.publisher_id),
            delivery=delivery,
            sender=None if delivery is None else await self._units.get(delivery.unit_id),
            covers=[] if delivery is None else await self._dispatches.covers(notice.id, path),
            signature=await self._receipts.signature(notice.id, unit),
            forwardings=await self._dispatches.of_unit(notice.id, unit),
            read_at=read_at,
        )

    async def sign(self, actor: Actor, notice_id: UUID) -> tuple[Signature, bool]:
        """Acknowledge receipt for the unit (签收). Return the signature, and whether it is new.

        Raises `NotFound` before delivery, `OwnNotice`, `NoticeWithdrawn`.
        """
        unit = await self._units.own(actor)
        notice, delivery, _ = await self._notices.circulating(actor, unit, notice_id)
        if delivery is None:
            raise OwnNotice
        now = self._clock.now()
        signature = Signature(notice_id=notice.id, unit_id=unit.id, signed_by=actor.sub, signed_at=now)
        if not await self._receipts.add_signature(signature):
            first = await self._receipts.signature(notice.id, unit)
            assert first is not None
            return first, False
        event = NoticeSignedV1(
            notice_id=notice.id, unit_id=unit.id, unit_path=unit.path, signed_by=actor.sub, signed_at=now
        )
        outbox.add(self._session, event, subject=notice.id)
        return signature, True

    async def read(self, actor: Actor, notice_id: UUID) -> datetime | None:
        """Record that the person has read the notice. Return the first time; None for the publisher's people.

        Raises `NotFound`, `NoticeWithdrawn`.
        """
        unit = await self._units.own(actor)
        visible = await self._notices.circulating(actor, unit, notice_id)
        return await self._record_read(actor, unit, visible)

    async def _record_read(self, actor: Actor, unit: Unit, visible: VisibleNotice) -> datetime | None:
        if visible.delivery is None:
            return None
        now = self._clock.now()
        row = Read(notice_id=visible.notice.id, sub=actor.sub, unit_id=unit.id, read_at=now)
        if await self._receipts.add_read(row):
            return now
        first = await self._receipts.read(visible.notice.id, actor.sub)
        return None if first is None else first.read_at
