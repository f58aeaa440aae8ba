"""Queries over policy standards. They are public: every viewer sees all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.standards.models import Standard, StandardChange
from cockpit.standards.rules import Certainty, Tier
from servicekit.lists import Listed, Order, listed_one
from servicekit.paging import PageRequest, whole_number

MOST_EXPORTED = 10_000
"""Versions of one file."""
MOST_HELD = 20_000
"""Versions that are held in memory for look-ups; there are some hundreds."""


@dataclass(frozen=True)
class StandardFilter:
    """Which versions are wanted; None is any. `on`: in force on that day."""

    programme: str | None = None
    stage: str | None = None
    tier: Tier | None = None
    region: str | None = None
    certainty: Certainty | None = None
    on: date | None = None
    withdrawn: bool = False
    q: str | None = None
    words: Sequence[str] = ()
    """Codes of the programmes whose Chinese names contain `q`."""


_ORDER = Order((Standard.programme, Standard.id), (str, UUID))
_CHANGES = Order((StandardChange.version,), (whole_number,), descending=True)


class StandardRepository:
    """Read and write policy standards."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, wanted: StandardFilter, paging: PageRequest) -> Listed[Standard]:
        """Return versions by programme."""
        return await listed_one(self._session, _select(wanted), _ORDER, paging)

    async def some(self, wanted: StandardFilter, limit: int) -> Sequence[Standard]:
        """Return up to `limit` versions by programme, stage, tier, region and day."""
        statement = _select(wanted).order_by(
            Standard.programme,
            Standard.stage,
            Standard.tier,
            Standard.region,
            Standard.valid_from.asc().nulls_first(),
            Standard.id,
        )
        return (await self._session.scalars(statement.limit(limit))).all()

    async def get(self, standard_id: UUID) -> Standard | None:
        """Return a version, or None."""
        return await self._session.get(Standard, standard_id)

    async def locked(self, standard_id: UUID) -> Standard | None:
        """Lock and return a version, or None."""
        return await self._session.get(Standard, standard_id, with_for_update=True, populate_existing=True)

    async def in_force(
        self, programme: str, stage: str, tier: Tier, region: str, on: date
    ) -> Standard | None:
        """Lock and return the version of a key that holds on a day."""
        wanted = StandardFilter(programme, stage, tier, region, on=on)
        return (await self._session.scalars(_select(wanted).with_for_update())).first()

    async def save(self, standard: Standard) -> None:
        """Write a version now. Raises `IntegrityError` if another one holds on one of its days."""
        self._session.add(standard)
        await self._session.flush()

    def record(self, change: StandardChange) -> None:
        """Record a change."""
        self._session.add(change)

    async def changes(self, standard_id: UUID, paging: PageRequest) -> Listed[StandardChange]:
        """Return the changes of a version, the latest first."""
        statement = select(StandardChange).where(StandardChange.standard_id == standard_id)
        return await listed_one(self._session, statement, _CHANGES, paging)

    async def seeds(self) -> set[str]:
        """Return the keys of the rows of the package that have been loaded."""
        found = await self._session.scalars(
            select(Standard.seed).where(Standard.seed.is_not(None)).limit(MOST_HELD)
        )
        return {seed for seed in found if seed is not None}

    async def plant(self, rows: Sequence[dict[str, Any]]) -> set[UUID]:
        """Insert rows of the package; return the ids of those that were.

        The others another process has inserted, or they overlap what is there.
        """
        made = await self._session.scalars(
            upsert(Standard).values(list(rows)).on_conflict_do_nothing().returning(Standard.id)
        )
        return set(made)


def _select(wanted: StandardFilter) -> Select[Standard]:
    statement = select(Standard)
    if not wanted.withdrawn:
        statement = statement.where(Standard.withdrawn_at.is_(None))
    for column, value in (
        (Standard.programme, wanted.programme),
        (Standard.stage, wanted.stage),
        (Standard.tier, wanted.tier),
        (Standard.region, wanted.region),
        (Standard.certainty, wanted.certainty),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.on is not None:
        statement = statement.where(
            or_(Standard.valid_from.is_(None), Standard.valid_from <= wanted.on),
            or_(Standard.valid_to.is_(None), Standard.valid_to >= wanted.on),
        )
    if wanted.q is not None:
        statement = statement.where(
            or_(
                Standard.programme.in_(wanted.words),
                Standard.document_number.icontains(wanted.q, autoescape=True),
                Standard.source.icontains(wanted.q, autoescape=True),
                Standard.note.icontains(wanted.q, autoescape=True),
            )
        )
    return statement
