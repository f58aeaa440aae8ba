"""Queries of the indexer."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus, UnitStatus
from identity.accounts.models import Account
from identity.memberships.models import Membership
from identity.search.models import PersonSearch, SearchQueue, UnitSearch
from identity.units.models import Unit


class IndexRepository:
    """The queue, the sources and the indexed rows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def queue_members(self, unit_ids: Sequence[UUID]) -> None:
        """Queue the people of units."""
        people = select(literal("person"), Membership.account_id).where(
            Membership.unit_id.in_(unit_ids), Membership.ended_at.is_(None)
        )
        await self._session.execute(insert(SearchQueue).from_select(["kind", "id"], people))

    async def queue_everything(self) -> None:
        """Queue all units and people."""
        everything = union_all(select(literal("unit"), Unit.id), select(literal("person"), Account.id))
        await self._session.execute(insert(SearchQueue).from_select(["kind", "id"], everything))

    async def units(self, ids: Sequence[UUID]) -> Sequence[Unit]:
        """Return the active ones of these units."""
        return (
            await self._session.scalars(
                select(Unit).where(Unit.id.in_(ids), Unit.status == UnitStatus.ACTIVE)
            )
        ).all()

    async def indexed_units(self, ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
        """Return path and words of these units as they are indexed."""
        rows = await self._session.execute(
            select(UnitSearch.unit_id, UnitSearch.path, UnitSearch.words).where(UnitSearch.unit_id.in_(ids))
        )
        return {row.unit_id: (row.path, row.words) for row in rows}

    async def people(self, ids: Sequence[UUID]) -> list[tuple[Account, Membership, Unit]]:
        """Return these people with their active memberships, the primary one first."""
        rows = await self._session.execute(
            select(Account, Membership, Unit)
            .join(Membership, Membership.account_id == Account.id)
            .join(Unit, Unit.id == Membership.unit_id)
            .where(
                Account.id.in_(ids),
                Account.status != AccountStatus.CLOSED,
                Membership.ended_at.is_(None),
            )
            .order_by(Account.id, Membership.is_primary.desc(), Membership.id)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def replace_people(self, ids: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> None:
        """Write what people are found by; those without a row are not found any more."""
        kept = {row["account_id"] for row in rows}
        gone = [sub for sub in ids if sub not in kept]
        await self._session.execute(delete(PersonSearch).where(PersonSearch.account_id.in_(gone)))
        if rows:
            statement = pg_insert(PersonSearch)
            new = {name: statement.excluded[name] for name in ("first", "name", "words", "tokens")}
            connection = await self._session.connection()
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["account_id"], set_=new), rows
            )

    async def replace_units(self, ids: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> None:
        """Write what units are found by; those without a row are not found any more."""
        kept = {row["unit_id"] for row in rows}
        gone = [unit for unit in ids if unit not in kept]
        await self._session.execute(delete(UnitSearch).where(UnitSearch.unit_id.in_(gone)))
        if rows:
            statement = pg_insert(UnitSearch)
            names = ("rank", "name", "code", "path", "words", "tokens")
            new = {name: statement.excluded[name] for name in names}
            connection = await self._session.connection()
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["unit_id"], set_=new), rows
            )
