"""A unit's inbox, its signatures (签收) and the reads of its people (已读)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from contracts.documents import NoticeKind, Urgency
from contracts.office import NoticeSignedV1
from contracts.vocabulary import NoticeStatus
from office.actors import Actor
from office.asking.service import Asking
from office.assignments.service import Assigned, Assignments
from office.base import outbox
from office.counters.service import Counters, is_counted
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.models import Cover, Forwarding
from office.dispatches.rules import is_late
from office.dispatches.service import Dispatches
from office.notices.models import Notice
from office.notices.service import Notices, Related
from office.receipts.errors import NotDelivered
from office.receipts.models import Read, Signature
from office.receipts.repository import InboxCounts, InboxFilter, InboxLine, ReceiptRepository
from office.receipts.rules import InboxSort
from office.returns.errors import NoReceiptNeeded, OwnNotice
from office.returns.models import Return
from office.returns.service import Returns
from servicekit.clock import Clock
from servicekit.paging import Cut, PageRequest, Total, cut, instant


@dataclass(frozen=True)
class SignedNotice:
    """A signature, the name of the person, and for 代签 the unit that signed."""

    signature: Signature
    name: str | None
    signing_unit: Unit | None


@dataclass(frozen=True)
class NoticeView:
    """A notice with everything visible to one unit and one person in it."""

    notice: Notice
    publisher: Unit | None
    delivery: Forwarding | None
    sender: Unit | None
    covers: list[Cover]
    signature: SignedNotice | None
    given_back: Return | None
    assigned: Assigned | None
    forwardings: list[Forwarding]
    read_at: datetime | None
    replaces: Related | None
    replaced_by: Related | None


@dataclass(frozen=True)
class InboxQuery:
    """What a caller wants to see of an inbox; None is no restriction."""

    status: NoticeStatus | None = None
    kind: NoticeKind | None = None
    signed: bool | None = None
    read: bool | None = None
    overdue: bool | None = None
    answered: bool | None = None
    urgency: Urgency | None = None
    words: str | None = None

    def at(self, now: datetime) -> InboxFilter:
        """Return the restriction of the query at `now`."""
        return InboxFilter(now=now, **vars(self))


@dataclass(frozen=True)
class Inbox:
    """A page of an inbox, and how many notices there are."""

    page: Cut[InboxLine]
    total: Total
    now: datetime


class Receipts:
    """Read, sign and mark received notices within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        notices: Notices,
        dispatches: Dispatches,
        returns: Returns,
        assignments: Assignments,
        counters: Counters,
        asking: Asking,
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._notices = notices
        self._dispatches = dispatches
        self._returns = returns
        self._assignments = assignments
        self._asking = asking
        self._receipts = ReceiptRepository(session)
        self._counters = counters

    async def inbox(self, actor: Actor, paging: PageRequest, wanted: InboxQuery, sort: InboxSort) -> Inbox:
        """Return the notices that the unit has. Raises `BadCursor`, also for one of another order."""
        unit = await self._units.own(actor)
        standing = await self._dispatches.standing(unit)
        after = paging.key(_order(sort), instant, UUID)
        restriction = wanted.at(self._clock.now())
        lines = await self._receipts.inbox(
            standing,
            actor.sub,
            restriction,
            sort,
            after=None if after is None else after[1:],
            limit=paging.limit + 1,
        )
        page = cut(lines, paging.limit, lambda line: [sort, _time(line, sort).isoformat(), line.notice.id])
        total = Total.of(await self._receipts.count(standing, actor.sub, restriction))
        return Inbox(page, total, restriction.now)

    async def counts(self, actor: Actor) -> InboxCounts:
        """Return what waits in the inbox for the person and the unit."""
        standing = await self._dispatches.standing(await self._units.own(actor))
        return await self._receipts.counts(standing, actor.sub, self._clock.now())

    async def view(self, actor: Actor, notice_id: UUID) -> NoticeView:
        """Return the notice as seen by the actor. Raises `NotFound`."""
        unit = await self._units.own(actor)
        notice, delivery, path = await self._notices.visible(actor, unit, notice_id)
        read = await self._receipts.read(notice.id, actor.sub)
        signature = await self._receipts.signature(notice.id, unit)
        return NoticeView(
            notice=notice,
            publisher=await self._units.get(notice.publisher_id),
            delivery=delivery,
            sender=None if delivery is None else await self._units.get(delivery.unit_id),
            covers=[] if delivery is None else await self._dispatches.covers(notice.id, path),
            signature=None if signature is None else await self._signed(signature),
            given_back=await self._returns.latest(notice.id, unit),
            assigned=await self._assignments.current(notice.id, unit),
            forwardings=await self._dispatches.of_unit(notice.id, unit),
            read_at=None if read is None else read.read_at,
            replaces=await self._notices.related(unit, notice.supersedes_id),
            replaced_by=await self._notices.related(unit, notice.superseded_by_id),
        )

    async def sign(self, actor: Actor, notice_id: UUID) -> tuple[SignedNotice, bool]:
        """Acknowledge receipt for the unit (签收). Return the signature, and whether it is new.

        Raises `NotFound` before delivery, `OwnNotice`, `NoReceiptNeeded`, `NoticeReturned`, and as
        `Notices.circulating` does.
        """
        unit = await self._units.own(actor)
        notice, delivery, _ = await self._notices.circulating(actor, unit, notice_id)
        if delivery is None:
            raise OwnNotice
        return await self._sign(actor, notice, delivery, unit, None, None)

    async def sign_for(
        self, actor: Actor, notice_id: UUID, unit_id: UUID, reason: str
    ) -> tuple[SignedNotice, bool]:
        """Acknowledge receipt for a unit below that cannot do so itself (代签), and record why.

        Return the signature, and whether it is new. Raises `NotFound`, `OutOfReach`, `NotDelivered`,
        `NoReceiptNeeded`, `NoticeReturned`, and as `Notices.circulating` does.
        """
        own = await self._units.own(actor)
        notice, _, _ = await self._notices.circulating(actor, own, notice_id)
        unit = await self._units.reachable(actor, unit_id)
        if unit.id == own.id or not unit.is_active:
            raise OutOfReach
        delivery = await self._dispatches.delivery(notice_id, unit)
        if delivery is None or unit.id == notice.publisher_id:
            raise NotDelivered
        return await self._sign(actor, notice, delivery.forwarding, unit, own, reason)

    async def _sign(
        self,
        actor: Actor,
        notice: Notice,
        delivery: Forwarding,
        unit: Unit,
        by_unit: Unit | None,
        reason: str | None,
    ) -> tuple[SignedNotice, bool]:
        if notice.kind is NoticeKind.ANNOUNCEMENT:
            raise NoReceiptNeeded
        await self._returns.check(notice.id, unit)
        # Also for one that had signed, returned the notice, and was sent it again.
        await self._asking.signed(notice.id, unit.id, actor.sub)
        first = await self._receipts.signature(notice.id, unit)
        if first is not None:
            return await self._signed(first), False
        now = self._clock.now()
        counted = is_counted(unit, notice.published_at)
        signature = Signature(
            notice_id=notice.id,
            unit_id=unit.id,
            signed_by=actor.sub,
            signed_at=now,
            late=is_late(now, delivery.deadline),
            signing_unit_id=None if by_unit is None else by_unit.id,
            reason=reason,
            counted=counted,
        )
        if not await self._receipts.add_signature(signature):
            first = await self._receipts.signature(notice.id, unit)
            assert first is not None
            return await self._signed(first), False
        if counted:
            await self._counters.signed(notice.id, unit)
        event = NoticeSignedV1(
            notice_id=notice.id,
            unit_id=unit.id,
            unit_path=unit.path,
            signed_by=actor.sub,
            signed_at=now,
            signing_unit_id=signature.signing_unit_id,
        )
        outbox.add(self._session, event, subject=notice.id)
        return await self._signed(signature), True

    async def _signed(self, signature: Signature) -> SignedNotice:
        names = await self._units.names([signature.signed_by])
        by_unit = None
        if signature.signing_unit_id is not None:
            by_unit = await self._units.get(signature.signing_unit_id)
        return SignedNotice(signature, names.get(signature.signed_by), by_unit)

    async def read(self, actor: Actor, notice_id: UUID) -> datetime | None:
        """Record that the person has read the notice. Return the first time; None for the publisher's people.

        Raises `NotFound`, `NoticeWithdrawn`.
        """
        unit = await self._units.own(actor)
        visible = await self._notices.circulating(actor, unit, notice_id)
        if visible.delivery is None:
            return None
        now = self._clock.now()
        notice, counted = visible.notice, is_counted(unit, visible.notice.published_at)
        row = Read(notice_id=notice.id, sub=actor.sub, unit_id=unit.id, read_at=now, counted=counted)
        if await self._receipts.add_read(row):
            if counted:
                await self._counters.read(notice.id, unit, actor.sub)
            return now
        first = await self._receipts.read(visible.notice.id, actor.sub)
        return None if first is None else first.read_at


def _order(sort: InboxSort) -> Callable[[str], str]:
    """Return the parser of a cursor's first part, which names the order that it belongs to."""

    def check(text: str) -> str:
        if text != sort:
            raise ValueError("a cursor of another order")
        return text

    return check


def _time(line: InboxLine, sort: InboxSort) -> datetime:
    return line.delivery.deadline if sort is InboxSort.DEADLINE else line.delivery.forwarded_at
