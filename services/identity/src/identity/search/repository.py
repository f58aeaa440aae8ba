"""Queries of searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus
from identity.accounts.models import Account
from identity.memberships.models import Membership
from identity.search.models import PersonSearch, UnitSearch
from identity.search.words import Wanted
from identity.units.models import Unit
from servicekit.ltree import under
from servicekit.words import inline

_LAST = "\U0010ffff"
_STATISTICS = text(
    "SELECT most_common_elems::text::text[] AS tokens, most_common_elem_freqs AS shares"
    " FROM pg_stats WHERE schemaname = current_schema() AND tablename = :table AND attname = 'tokens'"
)
_ROWS = text("SELECT reltuples FROM pg_class WHERE oid = to_regclass(:table)")


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


@dataclass(frozen=True)
class Search:
    """One query of a search: the leading matches or the others, after a position."""

    wanted: Wanted
    leading: bool
    walk: bool
    after: tuple[Any, ...] | None
    limit: int


class SearchRepository:
    """Searches of people and units."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def statistics(self, table: str) -> tuple[float, dict[str, float]]:
        """Return the estimated number of rows of a table, and the share of them that frequent tokens have."""
        row = (await self._session.execute(_STATISTICS, {"table": table})).first()
        rows = await self._session.scalar(_ROWS, {"table": table}) or 0.0
        if row is None or row.tokens is None:
            return rows, {}
        return rows, dict(zip(row.tokens, row.shares, strict=False))

    async def plan(self, *, walk: bool) -> None:
        """Make PostgreSQL plan as decided: it does not know the values when it plans.

        Plans are kept by the text of a statement, which differs between the two.
        """
        sorting = "off" if walk else "on"
        names = {"enable_sort": sorting, "enable_bitmapscan": sorting, "enable_seqscan": "off"}
        await self._session.execute(
            select(*(func.set_config(name, value, True) for name, value in names.items()))
        )

    async def people(self, search: Search, reach: Reach) -> Sequence[Row[Any]]:
        """Return people in reach, by name: name, id, and the membership and unit in reach."""
        doc = PersonSearch
        conditions = _matching(search, doc, extra=[] if reach.code is None else [reach.code])
        if search.after is not None:
            conditions.append(_after((doc.name, doc.account_id), search.after))
        matching = select(doc.account_id, doc.name).where(*conditions)
        if not search.walk:
            # OFFSET 0 keeps the order: find, sort, then look at memberships until the page is full.
            matching = matching.order_by(doc.name, doc.account_id).offset(0)
        found = matching.subquery("found")
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
            select(found.c.account_id, found.c.name, one.c.unit_id, one.c.posts, one.c.unit_name)
            .join(one, true())
            .order_by(found.c.name, found.c.account_id)
            .limit(search.limit)
            .subquery("page")
        )
        statement = (
            select(page, Account.phone_masked, Account.status)
            .join(Account, Account.id == page.c.account_id)
            .where(Account.status != inline(AccountStatus.CLOSED))
            .order_by(page.c.name, page.c.account_id)
        )
        return (await self._session.execute(statement)).all()

    async def units(self, search: Search, within: str | None) -> Sequence[Row[Any]]:
        """Return units, those of higher levels first, then by name."""
        doc = UnitSearch
        conditions = _matching(search, doc, extra=[] if within is None else [within])
        key = (doc.rank, doc.name, doc.unit_id)
        if search.after is not None:
            conditions.append(_after(key, search.after))
        matching = select(doc.rank, doc.name, doc.unit_id).where(*conditions)
        if search.walk:
            return await self._details(matching.order_by(*key).limit(search.limit))
        found = matching.offset(0).subquery("found")
        columns = (found.c.rank, found.c.name, found.c.unit_id)
        return await self._details(select(*columns).order_by(*columns).limit(search.limit))

    async def units_by_code(
        self, code: str, within: str | None, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[Row[Any]]:
        """Return units whose code begins with `code`, by code."""
        doc = UnitSearch
        conditions = [doc.code >= code, doc.code < code + _LAST]
        if within is not None:
            conditions.append(_has(doc.tokens, frozenset({within}), walk=True))
        if after is not None:
            conditions.append(doc.code > after[0])
        matching = select(doc.code, doc.unit_id).where(*conditions).order_by(doc.code).limit(limit)
        page = matching.subquery("page")
        whole = select(page.c.code.label("sorted"), Unit).join(Unit, Unit.id == page.c.unit_id)
        return (await self._session.execute(whole.order_by(page.c.code))).all()

    async def _details(self, statement: Select[int, str, UUID]) -> Sequence[Row[Any]]:
        page = statement.subquery("page")
        key = (page.c.rank, page.c.name, page.c.unit_id)
        whole = select(page.c.rank, page.c.name.label("sorted"), Unit).join(Unit, Unit.id == page.c.unit_id)
        return (await self._session.execute(whole.order_by(*key))).all()


def _matching(
    search: Search,
    doc: type[PersonSearch] | type[UnitSearch],
    *,
    extra: Sequence[str],
) -> list[ColumnElement[bool]]:
    wanted, more = search.wanted, frozenset(extra)
    alternatives = wanted.leading if search.leading else wanted.others
    # Cheap comparisons first: PostgreSQL evaluates them in this order.
    found: list[ColumnElement[bool]] = []
    if wanted.begins is not None:
        begins = and_(doc.name >= wanted.begins, doc.name < wanted.begins + _LAST)
        found.append(begins if search.leading else not_(begins))
    found += [func.strpos(doc.words, word) > 0 for word in wanted.words]
    found.append(or_(*(_has(doc.tokens, tokens | more, walk=search.walk) for tokens in alternatives)))
    if wanted.begins is None and not search.leading and wanted.leading:
        found.append(not_(or_(*(_has(doc.tokens, tokens, walk=True) for tokens in wanted.leading))))
    return found


def _has(tokens: Any, wanted: frozenset[str], *, walk: bool) -> ColumnElement[bool]:
    """Return the condition; for a walk in a form that the index of tokens cannot answer."""
    found: ColumnElement[bool] = tokens.op("@>", is_comparison=True)(
        cast(literal(sorted(wanted), ARRAY(Text)), ARRAY(Text))
    )
    return found.is_(true()) if walk else found


def _after(key: tuple[Any, ...], values: tuple[Any, ...]) -> ColumnElement[bool]:
    return tuple_(*key) > tuple_(
        *(literal(value, column.type) for column, value in zip(key, values, strict=True))
    )
