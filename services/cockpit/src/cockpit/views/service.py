"""Builds the views of the four modules. Reads cells only, at one moment, so PostgreSQL only."""

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
from cockpit.views.page import Frame, Page
from cockpit.views.schemas import ViewOut
from cockpit.views.specs import SPECS, ViewSpec
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

    def __init__(self, clock: Clock, places: Places, cells: Cells, disclosure: Disclosure) -> None:
        self._clock = clock
        self._places = places
        self._cells = cells
        self._disclosure = disclosure

    async def view(self, actor: Principal, wanted: Wanted) -> ViewOut:
        """Return a page. Raises `QuestionNotOffered`, and as `Places.own` and `Cells.ask` do."""
        spec = SPECS[wanted.module]
        calendar = wanted.calendar or spec.calendars[0]
        _check(spec, calendar, wanted.period)
        own = await self._places.own(
            actor, wanted.tree, wanted.unit, wanted.region, f"views.{wanted.module.value}"
        )
        await self._cells.hold()
        available = {
            one: await self._cells.periods(spec.feed, wanted.tree, one, own.code) for one in spec.calendars
        }
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
            guarded=self._disclosure.guards(actor),
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


def _check(spec: ViewSpec, calendar: Calendar, period: str | None) -> None:
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
