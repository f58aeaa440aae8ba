"""Number series of a unit, giving numbers, and the register."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.directory.service import Units
from office.numbering import rules
from office.numbering.errors import (
    NoSeries,
    NumbersExhausted,
    NumbersIssued,
    PrefixTaken,
    TooManyNumbers,
    UnknownPrefix,
)
from office.numbering.models import DocumentNumber, NumberSeries
from office.numbering.repository import NumberingRepository, RegisterFilter, RegisterLine
from servicekit.clock import SHANGHAI, Clock
from servicekit.etags import SeenVersions
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest
from servicekit.problems import NotFound


@dataclass(frozen=True)
class SeriesLine:
    """A series and the next number of a year."""

    series: NumberSeries
    year: int
    next: int


class Numbering:
    """Manage document numbers within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, units: Units) -> None:
        self._clock = clock
        self._units = units
        self._numbers = NumberingRepository(session)

    async def series(self, actor: Actor, year: int | None) -> list[SeriesLine]:
        """Return the series of the actor's unit with their next numbers in `year` (None: this year)."""
        unit = await self._units.own(actor)
        year = year or self._year(self._clock.now())
        following = await self._numbers.next_of(unit.id, year)
        return [
            SeriesLine(one, year, following.get(one.prefix, 1)) for one in await self._numbers.series(unit.id)
        ]

    async def add_series(
        self, actor: Actor, prefix: str, letterhead: str | None, *, preferred: bool
    ) -> SeriesLine:
        """Create a series of the actor's unit; its first one is preferred. Raises `PrefixTaken`."""
        unit = await self._units.own(actor)
        await self._numbers.hold(unit.id)
        if await self._numbers.by_prefix(unit.id, prefix) is not None:
            raise PrefixTaken
        preferred = preferred or await self._numbers.preferred(unit.id) is None
        if preferred:
            await self._numbers.prefer_none(unit.id)
        now = self._clock.now()
        series = NumberSeries(
            id=new_id(),
            unit_id=unit.id,
            prefix=prefix,
            letterhead=letterhead,
            preferred=preferred,
            active=True,
            created_by=actor.sub,
            created_at=now,
            version=1,
        )
        await self._numbers.save(series)
        return SeriesLine(series, self._year(now), 1)

    async def change_series(
        self,
        actor: Actor,
        series_id: UUID,
        letterhead: str | None,
        seen: SeenVersions,
        *,
        preferred: bool,
        active: bool,
    ) -> SeriesLine:
        """Change a series of the actor's unit. Raises `NotFound`, `VersionChanged`."""
        await self._numbers.hold(actor.unit_id)
        series = await self._own(actor, series_id)
        seen.require(series.version)
        if preferred:
            await self._numbers.prefer_none(series.unit_id)
        series.change(letterhead=letterhead, preferred=preferred, active=active)
        await self._numbers.save(series)
        return await self._line(series)

    async def start(self, actor: Actor, series_id: UUID, year: int, first: int) -> SeriesLine:
        """Set the first number of a year. Raises `NotFound`, `NumbersIssued`."""
        series = await self._own(actor, series_id)
        if not await self._numbers.start_at(series.unit_id, series.prefix, year, first):
            raise NumbersIssued
        return SeriesLine(series, year, first)

    async def usable(self, unit_id: UUID, prefix: str | None) -> NumberSeries | None:
        """Return the active series with `prefix`; None: the preferred one, if any. Raises `UnknownPrefix`."""
        if prefix is None:
            return await self._numbers.preferred(unit_id)
        series = await self._numbers.by_prefix(unit_id, prefix)
        if series is None or not series.active:
            raise UnknownPrefix
        return series

    async def letterhead(self, unit_id: UUID, prefix: str | None) -> str | None:
        """Return the 发文机关标志 of a series in any state, if one is set."""
        if prefix is None:
            series = await self._numbers.preferred(unit_id)
        else:
            series = await self._numbers.by_prefix(unit_id, prefix)
        return None if series is None else series.letterhead

    async def give(
        self, unit_id: UUID, prefix: str | None, *, subject: UUID, title: str, by: UUID, now: datetime
    ) -> DocumentNumber:
        """Give the next number of the year to a document that is issued now (Beijing's year).

        The series' other documents wait until the transaction ends, so numbers have no gap and no double.
        Take the document's own lock before. Raises `NoSeries`, `UnknownPrefix`, `NumbersExhausted`.
        """
        series = await self.usable(unit_id, prefix)
        if series is None:
            raise NoSeries
        year = self._year(now)
        serial = await self._numbers.take(unit_id, series.prefix, year)
        if serial > rules.MAX_NUMBER:
            raise NumbersExhausted
        number = DocumentNumber(
            id=new_id(),
            unit_id=unit_id,
            prefix=series.prefix,
            year=year,
            serial=serial,
            subject_id=subject,
            title=title,
            issued_by=by,
            issued_at=now,
        )
        number.index()
        await self._numbers.add(number)
        return number

    async def void(self, subject: UUID, reason: str, now: datetime) -> None:
        """Note in the register that a document was withdrawn."""
        number = await self._numbers.of_subject(subject)
        if number is not None:
            number.void(reason, now)

    async def register(
        self, actor: Actor, wanted: RegisterFilter, paging: PageRequest
    ) -> Listed[RegisterLine]:
        """Return a page of the unit's register, latest first. Raises `BadCursor`."""
        unit = await self._units.own(actor)
        return await self._numbers.register(unit.id, wanted, paging)

    async def exported(self, actor: Actor, wanted: RegisterFilter) -> Sequence[RegisterLine]:
        """Return all lines of the register that are wanted, the oldest first. Raises `TooManyNumbers`."""
        unit = await self._units.own(actor)
        lines = await self._numbers.first(unit.id, wanted, rules.MAX_EXPORTED + 1)
        if len(lines) > rules.MAX_EXPORTED:
            raise TooManyNumbers
        return lines

    async def _own(self, actor: Actor, series_id: UUID) -> NumberSeries:
        unit = await self._units.own(actor)
        series = await self._numbers.lock(series_id, unit.id)
        if series is None:
            raise NotFound
        return series

    async def _line(self, series: NumberSeries) -> SeriesLine:
        year = self._year(self._clock.now())
        following = await self._numbers.next_of(series.unit_id, year)
        return SeriesLine(series, year, following.get(series.prefix, 1))

    @staticmethod
    def _year(now: datetime) -> int:
        return now.astimezone(SHANGHAI).year
