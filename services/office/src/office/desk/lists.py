"""A person's lists and counts of tasks. They run on a lane, because everybody looks at them all day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from office.actors import Actor
from office.desk import rules
from office.desk.list_repository import Counted, ListRepository, sort_key
from office.desk.list_rows import Line
from office.desk.place_repository import PlaceRepository
from office.desk.rules import CLOSED, Filters, Me, Place, Sort, View
from office.directory.models import Unit
from servicekit.clock import Clock
from servicekit.lanes import Runner
from servicekit.paging import Cut, PageRequest, Total, cut, instant


@dataclass(frozen=True)
class Counts:
    """The numbers of open tasks of a person, with the units they are in."""

    lines: Sequence[Counted]
    units: dict[UUID, Unit]
    me: Me


@dataclass(frozen=True)
class Found:
    """A page of a list at `now`, the number of all lines, and the person who sees it."""

    page: Cut[Line]
    total: Total
    me: Me
    now: datetime


class TaskLists:
    """Read lists of tasks within one request, on a lane or in a session."""

    def __init__(self, runner: Runner, clock: Clock) -> None:
        self._clock = clock
        self._lists = ListRepository(runner)
        self._places = PlaceRepository(runner)

    async def list(
        self, actor: Actor, paging: PageRequest, view: View, filters: Filters, sort: Sort
    ) -> Found:
        """Return one page of a list, and the number of all lines. Raises `BadCursor`."""
        return await self.list_of(await self._me(actor), paging, view, filters, sort)

    async def list_of(self, me: Me, paging: PageRequest, view: View, filters: Filters, sort: Sort) -> Found:
        """Return one page of a person's list. Raises `BadCursor`."""
        after, limit, now = _after(paging, view, sort), paging.limit + 1, self._clock.now()
        standings = await self._places.standings([place.unit_id for place in me.places])
        lines, total = await self._lists.lines(
            me, standings, view, filters, sort, now=now, after=after, limit=limit
        )
        page = cut(lines, paging.limit, lambda line: sort_key(line, view, sort))
        return Found(page, Total.of(total), me, now)

    async def counts(self, actor: Actor) -> Counts:
        """Return the numbers of open tasks by unit and kind."""
        return await self.counts_of(await self._me(actor))

    async def counts_of(self, me: Me) -> Counts:
        """Return the numbers of open tasks of a person."""
        standings = await self._places.standings([place.unit_id for place in me.places])
        lines = await self._lists.counts(me, standings, now=self._clock.now())
        return Counts(lines, {unit_id: one.unit for unit_id, one in standings.items()}, me)

    async def _me(self, actor: Actor) -> Me:
        """Return the caller with all units that they belong to."""
        memberships = await self._places.memberships(actor.sub)
        held = await self._places.holdings(memberships)
        others = [Place(one.unit_id, holds) for one, holds in zip(memberships, held, strict=True)]
        return Me(actor.sub, actor.unit_id, rules.places(acting(actor), others))


def acting(actor: Actor) -> Place:
    """Return the place that the token acts for, with what the token allows."""
    return Place(actor.unit_id, actor.permissions | actor.acting.roles)


def _after(paging: PageRequest, view: View, sort: Sort) -> tuple[datetime | int | UUID, ...] | None:
    if view in CLOSED:
        return paging.key(instant, UUID, UUID)
    if sort is Sort.DEADLINE:
        return paging.key(instant, UUID, UUID)
    if sort is Sort.URGENCY:
        return paging.key(int, instant, UUID, UUID)
    return paging.key(UUID, UUID)
