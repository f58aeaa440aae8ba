"""A unit's inbox. It runs on a lane, because everybody looks at it in the morning of a notice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.documents import NoticeKind, Urgency
from contracts.vocabulary import NoticeStatus, UnitStatus
from office.actors import Actor
from office.directory.errors import UnitInactive
from office.receipts.inbox_repository import InboxCounts, InboxFilter, InboxRepository
from office.receipts.rules import InboxSort
from replica.errors import UnitNotReplicated
from servicekit.clock import Clock
from servicekit.lanes import Lane
from servicekit.paging import Cut, PageRequest, Total, cut, instant


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
    """A page of an inbox, whose lines are rows of `inbox_statements.page`, and how many notices there are."""

    page: Cut[Any]
    total: Total
    now: datetime


class Inboxes:
    """Read inboxes within one request."""

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._clock = clock
        self._inbox = InboxRepository(lane)

    async def list(self, actor: Actor, paging: PageRequest, wanted: InboxQuery, sort: InboxSort) -> Inbox:
        """Return the notices that the unit has. Raises `BadCursor`, also for one of another order.

        Raises `UnitNotReplicated`, `UnitInactive`.
        """
        await self._check(actor)
        after = paging.key(_order(sort), instant, UUID)
        restriction = wanted.at(self._clock.now())
        lines = await self._inbox.lines(
            actor.unit_id,
            actor.sub,
            restriction,
            sort,
            after=None if after is None else after[1:],
            limit=paging.limit + 1,
        )
        page = cut(lines, paging.limit, lambda line: [sort, _time(line, sort).isoformat(), line.id])
        return Inbox(page, await self._total(actor, restriction, lines, paging), restriction.now)

    async def counts(self, actor: Actor) -> InboxCounts:
        """Return what waits in the inbox for the person and the unit. Raises as `list` does."""
        await self._check(actor)
        return await self._inbox.counts(actor.unit_id, actor.sub, self._clock.now())

    async def _total(
        self, actor: Actor, wanted: InboxFilter, lines: Sequence[Any], paging: PageRequest
    ) -> Total:
        if paging.after is None and len(lines) <= paging.limit:
            return Total.of(len(lines))
        return Total.of(await self._inbox.count(actor.unit_id, actor.sub, wanted))

    async def _check(self, actor: Actor) -> None:
        status = await self._inbox.status(actor.unit_id)
        if status is None:
            raise UnitNotReplicated
        if status != UnitStatus.ACTIVE:
            raise UnitInactive


def _order(sort: InboxSort) -> Callable[[str], str]:
    """Return the parser of a cursor's first part, which names the order that it belongs to."""

    def check(text: str) -> str:
        if text != sort:
            raise ValueError("a cursor of another order")
        return text

    return check


def _time(line: Any, sort: InboxSort) -> datetime:
    time: datetime = line.deadline if sort is InboxSort.DEADLINE else line.delivered_at
    return time
