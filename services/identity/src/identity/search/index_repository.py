"""Queries of the indexer."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from contracts.vocabulary import AccountStatus
from identity.accounts.models import Account
from identity.memberships.models import Membership
from identity.search.models import PersonSearch, SearchQueue, UnitSearch
from identity.units.models import Unit
from searchkit import index


class IndexRepository(index.IndexRepository):
    """The queue, the sources and the indexed rows."""

    queue = SearchQueue
    unit = Unit
    unit_search = UnitSearch
    person_search = PersonSearch
    person_key = ("account_id",)

    def everybody(self) -> Select[Any]:
        """Return the query of the ids of all people."""
        return select(Account.id)

    def members(self, unit_ids: Sequence[UUID]) -> Select[Any]:
        """Return the query of the ids of the people of units."""
        return select(Membership.account_id).where(
            Membership.unit_id.in_(unit_ids), Membership.ended_at.is_(None)
        )

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
