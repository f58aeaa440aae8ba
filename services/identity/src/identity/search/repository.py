"""Queries of searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Subquery,
    Text,
    and_,
    any_,
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
from sqlalchemy.orm import InstrumentedAttribute

from contracts.vocabulary import AccountStatus
from identity.accounts.models import Account
from identity.memberships.models import Membership
from identity.search.models import PersonSearch, UnitSearch
from identity.search.words import Wanted, firsts_of
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
class Part:
    """Alternatives that are searched in one way.

    `walked` is the number of rows that are visited at most, in the order of the answer; with `first`, only
    names with this beginning. Without it, all matches are read by the index of tokens.
    """

    alternatives: tuple[frozenset[str], ...]
    walked: int | None = None
    first: str | None = None


@dataclass(frozen=True)
class Search:
    """One query of a search: a part of the leading matches or of the others, after a position."""

    wanted: Wanted
    leading: bool
    part: Part
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
        """Return people in reach, by name: first character, name, id, the membership and unit in reach."""
        doc = PersonSearch
        key = (doc.first, doc.name, doc.account_id)
        extra = [] if reach.code is None else [reach.code]
        found = _matches(search, doc, key, extra)
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
        found = _matches(search, doc, key, [] if within is None else [within])
        columns = (found.c.rank, found.c.name, found.c.unit_id)
        page = select(*columns).order_by(*columns).limit(search.limit).subquery("page")
        whole = (
            select(page.c.rank, page.c.name.label("sorted"), Unit)
            .join(Unit, Unit.id == page.c.unit_id)
            .order_by(page.c.rank, page.c.name, page.c.unit_id)
        )
        return (await self._session.execute(whole)).all()

    async def units_by_code(
        self, code: str, within: str | None, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[Row[Any]]:
        """Return units whose code begins with `code`, by code."""
        doc = UnitSearch
        conditions = [doc.code >= code, doc.code < code + _LAST]
        if within is not None:
            conditions.append(_has(doc.tokens, frozenset({within})).is_(true()))
        if after is not None:
            conditions.append(doc.code > after[0])
        matching = select(doc.code, doc.unit_id).where(*conditions).order_by(doc.code).limit(limit)
        page = matching.subquery("page")
        whole = select(page.c.code.label("sorted"), Unit).join(Unit, Unit.id == page.c.unit_id)
        return (await self._session.execute(whole.order_by(page.c.code))).all()


def _matches(
    search: Search,
    doc: type[PersonSearch] | type[UnitSearch],
    key: tuple[InstrumentedAttribute[Any], ...],
    extra: list[str],
) -> Subquery:
    """Return the matches in the order of `key`: those of the next rows that a walk visits, or all of them."""
    part = search.part
    if part.walked is not None:
        rows = select(*key, doc.words, doc.tokens).where(*_visited(search, doc))
        if search.after is not None:
            rows = rows.where(_after(key, search.after))
        near = rows.order_by(*key).limit(part.walked).subquery("near")
        columns = [near.c[column.key] for column in key]
        return select(*columns).where(*_matching(search, near.c, extra)).subquery("found")
    conditions = _matching(search, doc, extra)
    if search.after is not None:
        # In a form that no other index can answer.
        conditions.append(_after(key, search.after).is_(true()))
    # OFFSET 0 keeps the order: find and sort before anything else is joined.
    return select(*key).where(*conditions).order_by(*key).offset(0).subquery("found")


def _visited(search: Search, doc: type[PersonSearch] | type[UnitSearch]) -> list[ColumnElement[bool]]:
    """Return the conditions of a walk that the index in its order can answer."""
    first, begins = search.part.first, search.wanted.begins
    if first is None or not issubclass(doc, PersonSearch):
        return []
    # Rows that are not indexed anew yet have no first character.
    firsts = sorted({"", *firsts_of(first)})
    found: list[ColumnElement[bool]] = [doc.first == any_(literal(firsts, ARRAY(Text)))]
    return found if begins is None else [*found, *_begins(doc, begins)]


def _matching(search: Search, doc: Any, extra: list[str]) -> list[ColumnElement[bool]]:
    wanted, more = search.wanted, frozenset(extra)
    # Cheap comparisons first: PostgreSQL evaluates them in this order.
    found: list[ColumnElement[bool]] = []
    if wanted.begins is not None:
        begins = and_(*_begins(doc, wanted.begins))
        found.append(begins.is_(true()) if search.leading else not_(begins))
    found += [func.strpos(doc.words, word) > 0 for word in wanted.words]
    found.append(or_(*(_has(doc.tokens, tokens | more) for tokens in search.part.alternatives)))
    if wanted.begins is None and not search.leading and wanted.leading:
        found.append(not_(or_(*(_has(doc.tokens, tokens).is_(true()) for tokens in wanted.leading))))
    return found


def _begins(doc: Any, text: str) -> list[ColumnElement[bool]]:
    return [doc.name >= text, doc.name < text + _LAST]


def _has(tokens: Any, wanted: frozenset[str]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = tokens.op("@>", is_comparison=True)(
        cast(literal(sorted(wanted), ARRAY(Text)), ARRAY(Text))
    )
    return found


def _after(key: tuple[Any, ...], values: tuple[Any, ...]) -> ColumnElement[bool]:
    return tuple_(*key) > tuple_(
        *(literal(value, column.type) for column, value in zip(key, values, strict=True))
    )
