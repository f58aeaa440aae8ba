"""Queries of searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus
from identity.accounts.models import Account
from identity.memberships.models import Membership
from identity.search.models import PersonSearch, UnitSearch
from identity.units.models import Unit
from searchkit.matching import LAST, Search, all_matches, has, matches
from searchkit.phases import MOST_FOUND
from searchkit.words import Wanted
from servicekit.lists import total_of
from servicekit.ltree import under
from servicekit.paging import Total
from servicekit.words import inline


@dataclass(frozen=True)
class Reach:
    """Whom the caller may find: people of the subtree `path`, or only of the unit itself."""

    path: str
    unit_id: UUID | None = None

    @property
    def code(self) -> str | None:
        """The token that narrows a search; None for the root, which has everybody."""
        first, _, last = self.path.rpartition(".")
        return f"@{last}" if first else None


class SearchRepository:
    """Searches of people and units."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def people(self, search: Search, reach: Reach) -> Sequence[Row[Any]]:
        """Return people in reach, by name: first character, name, id, the membership and unit in reach."""
        doc = PersonSearch
        key = (doc.first, doc.name, doc.account_id)
        extra = [] if reach.code is None else [reach.code]
        found = matches(search, doc, key, extra)
        columns = (found.c.first, found.c.name, found.c.account_id)
        inside = Membership.unit_id == reach.unit_id if reach.unit_id else under(Unit.path, reach.path)
        one = (
            select(Membership.unit_id, Membership.posts, Unit.name.label("unit_name"))
            .join(Unit, Unit.id == Membership.unit_id)
            .where(Membership.account_id == found.c.account_id, Membership.ended_at.is_(None), inside)
            .order_by(Membership.is_primary.desc(), Membership.id)
            .limit(1)
            .lateral("one")
        )
        page = (
            select(*columns, one.c.unit_id, one.c.posts, one.c.unit_name, Account.phone_masked)
            .select_from(found)
            .join(one, true())
            .join(Account, Account.id == found.c.account_id)
            .where(Account.status != inline(AccountStatus.CLOSED))
            .order_by(*columns)
            .limit(search.limit)
        )
        return (await self._session.execute(page)).all()

    async def units(self, search: Search, within: str | None) -> Sequence[Row[Any]]:
        """Return units, those of higher levels first, then by name."""
        doc = UnitSearch
        key = (doc.rank, doc.name, doc.unit_id)
        found = matches(search, doc, key, [] if within is None else [within])
        columns = (found.c.rank, found.c.name, found.c.unit_id)
        page = select(*columns).order_by(*columns).limit(search.limit).subquery("page")
        whole = (
            select(page.c.rank, page.c.name.label("sorted"), Unit)
            .join(Unit, Unit.id == page.c.unit_id)
            .order_by(page.c.rank, page.c.name, page.c.unit_id)
        )
        return (await self._session.execute(whole)).all()

    async def total_of_unit(self, wanted: Wanted, unit_id: UUID) -> Total:
        """Return the number of people of one unit who are found."""
        doc = PersonSearch
        rows = all_matches(wanted, doc, []).join(
            Membership,
            and_(
                Membership.account_id == doc.account_id,
                Membership.ended_at.is_(None),
                Membership.unit_id == unit_id,
            ),
        )
        return await total_of(self._session, rows, MOST_FOUND)

    async def total_by_code(self, code: str, within: str | None) -> Total:
        """Return the number of units whose code begins with `code`."""
        doc = UnitSearch
        rows = select(doc.unit_id).where(doc.code >= code, doc.code < code + LAST)
        if within is not None:
            rows = rows.where(has(doc.tokens, frozenset({within})).is_(true()))
        return await total_of(self._session, rows, MOST_FOUND)

    async def units_by_code(
        self, code: str, within: str | None, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[Row[Any]]:
        """Return units whose code begins with `code`, by code."""
        doc = UnitSearch
        conditions = [doc.code >= code, doc.code < code + LAST]
        if within is not None:
            conditions.append(has(doc.tokens, frozenset({within})).is_(true()))
        if after is not None:
            conditions.append(doc.code > after[0])
        matching = select(doc.code, doc.unit_id).where(*conditions).order_by(doc.code).limit(limit)
        page = matching.subquery("page")
        whole = select(page.c.code.label("sorted"), Unit).join(Unit, Unit.id == page.c.unit_id)
        return (await self._session.execute(whole.order_by(page.c.code))).all()
