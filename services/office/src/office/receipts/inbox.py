"""A unit's inbox. It runs on a lane, because everybody looks at it in the morning of a notice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.vocabulary import UnitStatus
from office.actors import Actor
from office.directory.errors import UnitInactive
from office.receipts.inbox_repository import InboxCounts, InboxFilter, InboxRepository
from office.receipts.rules import InboxSort
from replica.errors import UnitNotReplicated
from servicekit.clock import Clock
from servicekit.lanes import Lane
from servicekit.paging import Cut, PageRequest, Total, cut, instant


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

    async def list(self, actor: Actor, paging: PageRequest, wanted: InboxFilter, sort: InboxSort) -> Inbox:
        """Return the notices that the unit has. Raises `BadCursor`, also for one of another order.

        Raises `UnitNotReplicated`, `UnitInactive`.
        """
        await self._check(actor)
        after = paging.key(_order(sort), instant, UUID)
        now = self._clock.now()
        lines = await self._inbox.lines(
            actor.unit_id,
            actor.sub,
            wanted,
            sort,
            now=now,
            after=None if after is None else after[1:],
            limit=paging.limit + 1,
        )
        page = cut(lines, paging.limit, lambda line: [sort, _time(line, sort).isoformat(), line.id])
        total = Total.of(len(lines))
        if paging.after is not None or len(lines) > paging.limit:
            total = Total.of(await self._inbox.count(actor.unit_id, actor.sub, wanted, now=now))
        return Inbox(page, total, now)

    async def counts(self, actor: Actor) -> InboxCounts:
        """Return what waits in the inbox for the person and the unit. Raises as `list` does."""
        await self._check(actor)
        return await self._inbox.counts(actor.unit_id, actor.sub, self._clock.now())

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
