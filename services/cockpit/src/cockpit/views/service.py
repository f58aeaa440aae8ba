"""Builds the views of the four modules. Reads cells only, at one moment, so PostgreSQL only."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from authkit.principal import Principal
from cockpit.cells.dimensions import Calendar, Sector, Tree
from cockpit.cells.service import Ask, Cells
from cockpit.disclosure.service import Disclosure
from cockpit.metrics.catalogue import Module
from cockpit.metrics.periods import order, valid
from cockpit.query.errors import QuestionNotOffered
from cockpit.query.evaluating import answers
from cockpit.query.placing import Places
from cockpit.views.keeping import Kept, KeptViews, Key, Written
from cockpit.views.page import Frame, Page
from cockpit.views.schemas import ViewOut
from cockpit.views.specs import SPECS, ViewSpec
from cockpit.views.version_repository import Versions
from servicekit.clock import Clock
from servicekit.problems import FieldError


class Wanted(NamedTuple):
    """What a viewer asks for.

    What is None is chosen: the caller's place, the usual calendar, the last period with figures.
    """

    module: Module
    sector: Sector | None
    tree: Tree
    unit: UUID | None
    region: str | None
    calendar: Calendar | None
    period: str | None


class Views:
    """Build the views within the caller's reach."""

    def __init__(
        self,
        clock: Clock,
        places: Places,
        cells: Cells,
        disclosure: Disclosure,
        kept: KeptViews,
        versions: Versions,
    ) -> None:
        self._clock = clock
        self._places = places
        self._cells = cells
        self._disclosure = disclosure
        self._kept = kept
        self._versions = versions

    async def view(self, actor: Principal, wanted: Wanted) -> tuple[Written, datetime]:
        """Return a page, and the time up to which it contains everything.

        It is made once for each version of what it is made from, by one request at a time. Raises
        `QuestionNotOffered`, and as `Places.own` and `Cells.ask` do.
        """
        _check(wanted)
        assert actor.acting is not None
        # All that decides what a viewer may see, apart from the units, which the version is about.
        key = (actor.acting.unit, actor.acting.path, actor.acting.level, wanted)
        found = await self._valid(key)
        if found is None:
            async with self._kept.turn(key):
                found = await self._valid(key)
                if found is None:
                    return await self._made(actor, wanted, key)
        return found, self._clock.now()

    async def _valid(self, key: Key) -> Written | None:
        kept = self._kept.get(key)
        if kept is None or kept.version != await self._versions.now(kept.sources):
            return None
        return kept.written

    async def page(self, actor: Principal, wanted: Wanted) -> ViewOut:
        """Return a page as `view` does, made for this request."""
        _check(wanted)
        await self._cells.hold()
        return await self._view(actor, wanted)

    async def _made(self, actor: Principal, wanted: Wanted, key: Key) -> tuple[Written, datetime]:
        await self._cells.hold()
        view = await self._view(actor, wanted)
        written = await asyncio.to_thread(Written.of, view)
        sources = self._versions.sources({view.place.code, *self._disclosure.places(actor)})
        version = await self._versions.held(sources)
        # Without figures, the period shown is that of the clock.
        if version is not None and any(one.periods for one in view.available):
            self._kept.keep(key, Kept(written, sources, version))
        return written, view.as_of

    async def _view(self, actor: Principal, wanted: Wanted) -> ViewOut:
        spec, calendar = _asked(wanted)
        own = await self._places.own(
            actor, wanted.tree, wanted.unit, wanted.region, f"views.{wanted.module.value}"
        )
        available = await self._cells.periods(spec.feed, wanted.tree, spec.calendars, own.code)
        known = sorted(available[calendar], key=order)
        period = wanted.period or _latest(known, calendar, self._clock.now())
        children = await self._places.children(wanted.tree, own)
        children += await self._places.others(wanted.tree, calendar, own, children, [spec.feed], [period])
        frame = Frame(spec, wanted.sector, wanted.tree, calendar, period, own, children)
        view = Page(frame, known)
        tables = await answers(
            self._cells,
            view.questions(),
            partial(self._disclosure.shown, actor),
            partial(self._disclosure.hides_common, actor),
            guarded=self._disclosure.guards(actor, wanted.tree),
            top=self._disclosure.top(actor),
        )
        whole = Ask(spec.feed, wanted.tree, calendar, [own.code], [period])
        return view.written(
            tables,
            available,
            hides_own=await self._disclosure.hides_own(actor, whole, own.code),
            trail=await self._places.trail(actor, wanted.tree, own),
            as_of=await self._cells.as_of(self._clock.now()),
        )


def _asked(wanted: Wanted) -> tuple[ViewSpec, Calendar]:
    spec = SPECS[wanted.module]
    return spec, wanted.calendar or spec.calendars[0]


def _check(wanted: Wanted) -> None:
    spec, calendar = _asked(wanted)
    period = wanted.period
    if calendar not in spec.calendars:
        words = "、".join(one.label for one in spec.calendars)
        error = FieldError(parameter="calendar", detail=f"{spec.module.label}只按{words}提供")
        raise QuestionNotOffered(errors=[error])
    if period is not None and not valid(calendar, period):
        raise QuestionNotOffered(
            errors=[FieldError(parameter="period", detail=f"不是{calendar.label}的时期")]
        )


def _latest(known: Sequence[str], calendar: Calendar, now: datetime) -> str:
    """Return the last period with figures; without any, the present one."""
    if known:
        return known[-1]
    term = "spring" if now.month < 9 else "autumn"
    return f"{now.year}-{term}" if calendar is Calendar.TERM else str(now.year)
