"""Queries over number series and the register. All of them are limited to one unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from office.directory.models import Person
from office.numbering.errors import PrefixTaken
from office.numbering.models import DocumentNumber, NumberCounter, NumberSeries
from office.writing.predicates import in_texts
from servicekit.lists import Listed, by_id, listed
from servicekit.paging import PageRequest

_SERIES = 0x4E55
"""First key of advisory locks."""
MAX_SERIES = 200
"""Prefixes of one unit that are listed."""


@dataclass(frozen=True)
class RegisterFilter:
    """Which lines of the register are wanted."""

    prefix: str | None = None
    year: int | None = None
    words: str | None = None
    voided: bool | None = None


@dataclass(frozen=True)
class RegisterLine:
    """A number of the register and the name of who issued the document."""

    number: DocumentNumber
    issuer: str | None


class NumberingRepository:
    """Read and write series, counters and numbers."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def series(self, unit_id: UUID) -> Sequence[NumberSeries]:
        """Return the series of a unit, the preferred one first."""
        statement = (
            select(NumberSeries)
            .where(NumberSeries.unit_id == unit_id)
            .order_by(NumberSeries.preferred.desc(), NumberSeries.active.desc(), NumberSeries.prefix)
            .limit(MAX_SERIES)
        )
        return (await self._session.scalars(statement)).all()

    async def by_prefix(self, unit_id: UUID, prefix: str) -> NumberSeries | None:
        """Return the unit's series with the prefix."""
        statement = select(NumberSeries).where(NumberSeries.unit_id == unit_id, NumberSeries.prefix == prefix)
        return (await self._session.scalars(statement)).one_or_none()

    async def preferred(self, unit_id: UUID) -> NumberSeries | None:
        """Return the unit's preferred series, else its only active one."""
        statement = (
            select(NumberSeries)
            .where(NumberSeries.unit_id == unit_id, NumberSeries.active)
            .order_by(NumberSeries.preferred.desc(), NumberSeries.created_at)
            .limit(1)
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def hold(self, unit_id: UUID) -> None:
        """Have other changes of the unit's series wait for this transaction: one of them is preferred."""
        await self._session.execute(
            text("SELECT pg_advisory_xact_lock(:space, hashtext(:unit))"),
            {"space": _SERIES, "unit": str(unit_id)},
        )

    async def prefer_none(self, unit_id: UUID) -> None:
        """Have none of the unit's series be preferred."""
        await self._session.execute(
            update(NumberSeries)
            .where(NumberSeries.unit_id == unit_id, NumberSeries.preferred)
            .values(preferred=False)
        )

    async def lock(self, series_id: UUID, unit_id: UUID) -> NumberSeries | None:
        """Return the unit's series, locked until the transaction ends."""
        statement = (
            select(NumberSeries)
            .where(NumberSeries.id == series_id, NumberSeries.unit_id == unit_id)
            .with_for_update()
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def save(self, series: NumberSeries) -> None:
        """Write a new or changed series. Raises `PrefixTaken`."""
        self._session.add(series)
        try:
            await self._session.flush()
        except IntegrityError as error:
            if "uq_number_series_unit_id_prefix" in str(error.orig):
                raise PrefixTaken from error
            raise

    async def next_of(self, unit_id: UUID, year: int) -> dict[str, int]:
        """Return the next number of each prefix in a year; a prefix without a counter is absent."""
        rows = await self._session.execute(
            select(NumberCounter.prefix, NumberCounter.next).where(
                NumberCounter.unit_id == unit_id, NumberCounter.year == year
            )
        )
        return dict(rows.all())

    async def take(self, unit_id: UUID, prefix: str, year: int) -> int:
        """Take the next number; others wait for the same one until the transaction ends, and a rollback
        gives it back.
        """
        key = {"unit_id": unit_id, "prefix": prefix, "year": year}
        statement = insert(NumberCounter).values(**key, next=2)
        statement = statement.on_conflict_do_update(
            index_elements=list(key), set_={"next": NumberCounter.next + 1}
        )
        following = await self._session.scalars(statement.returning(NumberCounter.next))
        return following.one() - 1

    async def start_at(self, unit_id: UUID, prefix: str, year: int, first: int) -> bool:
        """Set the first number of a year; return False if the year has numbers already."""
        key = {"unit_id": unit_id, "prefix": prefix, "year": year}
        statement = insert(NumberCounter).values(**key, next=first)
        # The counter is locked before the register is read, so no number is given in between.
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_={"next": NumberCounter.next})
        )
        used = select(DocumentNumber.serial).where(
            DocumentNumber.unit_id == unit_id, DocumentNumber.prefix == prefix, DocumentNumber.year == year
        )
        if (await self._session.scalars(used.limit(1))).first() is not None:
            return False
        await self._session.execute(
            update(NumberCounter)
            .where(
                NumberCounter.unit_id == unit_id, NumberCounter.prefix == prefix, NumberCounter.year == year
            )
            .values(next=first)
        )
        return True

    async def add(self, number: DocumentNumber) -> None:
        """Write a line of the register."""
        self._session.add(number)
        await self._session.flush()

    async def of_subject(self, subject_id: UUID) -> DocumentNumber | None:
        """Return the number of a document, locked until the transaction ends."""
        statement = select(DocumentNumber).where(DocumentNumber.subject_id == subject_id).with_for_update()
        return (await self._session.scalars(statement)).one_or_none()

    async def register(
        self, unit_id: UUID, wanted: RegisterFilter, paging: PageRequest
    ) -> Listed[RegisterLine]:
        """Return lines of the register, latest first. Raises `BadCursor`."""
        order = by_id(DocumentNumber.id, latest_first=True)
        found = await listed(self._session, _register(unit_id, wanted), order, paging)
        return found.each(lambda row: RegisterLine(*row))

    async def first(self, unit_id: UUID, wanted: RegisterFilter, limit: int) -> list[RegisterLine]:
        """Return the first lines of the register, the oldest first."""
        statement = _register(unit_id, wanted).order_by(DocumentNumber.id).limit(limit)
        return [RegisterLine(*row) for row in await self._session.execute(statement)]


def _register(unit_id: UUID, wanted: RegisterFilter) -> Select[DocumentNumber, str | None]:
    return (
        select(DocumentNumber, Person.name)
        .outerjoin(Person, Person.sub == DocumentNumber.issued_by)
        .where(*_wanted(unit_id, wanted))
    )


def _wanted(unit_id: UUID, wanted: RegisterFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [DocumentNumber.unit_id == unit_id]
    if wanted.prefix is not None:
        conditions.append(DocumentNumber.prefix == wanted.prefix)
    if wanted.year is not None:
        conditions.append(DocumentNumber.year == wanted.year)
    if wanted.voided is not None:
        voided = DocumentNumber.voided_at
        conditions.append(voided.is_not(None) if wanted.voided else voided.is_(None))
    number = func.concat(DocumentNumber.prefix, "〔", DocumentNumber.year, "〕", DocumentNumber.serial, "号")
    return [*conditions, *in_texts(wanted.words, DocumentNumber.words, (DocumentNumber.title, number))]
