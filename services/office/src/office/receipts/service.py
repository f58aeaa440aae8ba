"""A unit's inbox, and a notice as one unit and one person see it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import NoticeKind, Urgency
from contracts.vocabulary import NoticeStatus
from office.actors import Actor
from office.assignments.service import Assigned, Assignments
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.models import Cover, Forwarding
from office.dispatches.service import Dispatches
from office.notices.models import Notice
from office.notices.service import Notices, Related
from office.receipts.models import Signature
from office.receipts.receiving import SignedNotice
from office.receipts.repository import InboxCounts, InboxFilter, InboxLine, ReceiptRepository
from office.receipts.rules import InboxSort
from office.returns.models import Return
from office.returns.service import Returns
from servicekit.clock import Clock
from servicekit.paging import Cut, PageRequest, Total, cut, instant


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
    """Read received notices within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        notices: Notices,
        dispatches: Dispatches,
        returns: Returns,
        assignments: Assignments,
    ) -> None:
        self._clock = clock
        self._units = units
        self._notices = notices
        self._dispatches = dispatches
        self._returns = returns
        self._assignments = assignments
        self._receipts = ReceiptRepository(session)

    async def inbox(self, actor: Actor, paging: PageRequest, wanted: InboxQuery, sort: InboxSort) -> Inbox:
        """Return the notices that the unit has. Raises `BadCursor`, also for one of another order."""
        unit = await self._units.own(actor)
        after = paging.key(_order(sort), instant, UUID)
        restriction = wanted.at(self._clock.now())
        lines = await self._receipts.inbox(
            unit,
            actor.sub,
            restriction,
            sort,
            after=None if after is None else after[1:],
            limit=paging.limit + 1,
        )
        page = cut(lines, paging.limit, lambda line: [sort, _time(line, sort).isoformat(), line.notice.id])
        total = Total.of(await self._receipts.count(unit, actor.sub, restriction))
        return Inbox(page, total, restriction.now)

    async def counts(self, actor: Actor) -> InboxCounts:
        """Return what waits in the inbox for the person and the unit."""
        unit = await self._units.own(actor)
        return await self._receipts.counts(unit, actor.sub, self._clock.now())

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

    async def _signed(self, signature: Signature) -> SignedNotice:
        names = await self._units.names([signature.signed_by])
        by_unit = None
        if signature.signing_unit_id is not None:
            by_unit = await self._units.get(signature.signing_unit_id)
        return SignedNotice(signature, names.get(signature.signed_by), by_unit)


def _order(sort: InboxSort) -> Callable[[str], str]:
    """Return the parser of a cursor's first part, which names the order that it belongs to."""

    def check(text: str) -> str:
        if text != sort:
            raise ValueError("a cursor of another order")
        return text

    return check


def _time(line: InboxLine, sort: InboxSort) -> datetime:
    return line.delivery.deadline if sort is InboxSort.DEADLINE else line.delivery.forwarded_at
