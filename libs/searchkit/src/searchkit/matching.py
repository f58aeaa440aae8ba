"""Queries for the rows that match a search.

A searched table has the columns `name` (collation C), `words` (name and further texts in small letters) and
`tokens` (with a GIN index), and, if its rows are in the order of one name, `first`, the first character.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
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
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from searchkit.words import Wanted, firsts_of

LAST = "\U0010ffff"
"""Behind all characters: the end of a range of texts with one beginning."""
_STATISTICS = text(
    "SELECT most_common_elems::text::text[] AS tokens, most_common_elem_freqs AS shares"
    " FROM pg_stats WHERE schemaname = current_schema() AND tablename = :table AND attname = 'tokens'"
)
_ROWS = text("SELECT reltuples FROM pg_class WHERE oid = to_regclass(:table)")


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


async def statistics(session: AsyncSession, table: str) -> tuple[float, dict[str, float]]:
    """Return the estimated number of rows of a table, and the share of them that frequent tokens have."""
    row = (await session.execute(_STATISTICS, {"table": table})).first()
    rows = await session.scalar(_ROWS, {"table": table}) or 0.0
    if row is None or row.tokens is None:
        return rows, {}
    return rows, dict(zip(row.tokens, row.shares, strict=False))


async def plan(session: AsyncSession, *, walk: bool) -> None:
    """Make PostgreSQL plan as decided, in this transaction: it does not know the values when it plans.

    Plans are kept by the text of a statement, which differs between the two.
    """
    sorting = "off" if walk else "on"
    names = {"enable_sort": sorting, "enable_bitmapscan": sorting, "enable_seqscan": "off"}
    await session.execute(select(*(func.set_config(name, value, True) for name, value in names.items())))


def matches(search: Search, doc: Any, key: Sequence[Any], within: Sequence[str]) -> Subquery:
    """Return the matches in the order of `key`: those of the next rows that a walk visits, or all of them.

    Rows have one of the tokens `within`, if there are any.
    """
    part = search.part
    if part.walked is not None:
        rows = select(*key, doc.words, doc.tokens).where(*_visited(search, doc))
        if search.after is not None:
            rows = rows.where(after(key, search.after))
        near = rows.order_by(*key).limit(part.walked).subquery("near")
        columns = [near.c[column.key] for column in key]
        return select(*columns).where(*_matching(search, near.c, within)).subquery("found")
    conditions = _matching(search, doc, within)
    if search.after is not None:
        # In a form that no other index can answer.
        conditions.append(after(key, search.after).is_(True))
    # OFFSET 0 keeps the order: find and sort before anything else is joined.
    return select(*key).where(*conditions).order_by(*key).offset(0).subquery("found")


def all_matches(wanted: Wanted, doc: Any, within: Sequence[str]) -> Select[Any]:
    """Return the query of all matches, to be counted; `within` as in `matches`."""
    inside = [frozenset({token}) for token in within] or [frozenset[str]()]
    alternatives = (*wanted.leading, *wanted.others)
    return select(doc.name).where(
        *(func.strpos(doc.words, word) > 0 for word in wanted.words),
        or_(*(has(doc.tokens, tokens | more) for tokens in alternatives for more in inside)),
    )


def has(tokens: Any, wanted: frozenset[str]) -> ColumnElement[bool]:
    """Return the condition that a column of tokens contains all of `wanted`."""
    found: ColumnElement[bool] = tokens.op("@>", is_comparison=True)(
        cast(literal(sorted(wanted), ARRAY(Text)), ARRAY(Text))
    )
    return found


def after(key: Sequence[Any], values: tuple[Any, ...]) -> ColumnElement[bool]:
    """Return the condition that a row comes after a position."""
    return tuple_(*key) > tuple_(
        *(literal(value, column.type) for column, value in zip(key, values, strict=True))
    )


def _visited(search: Search, doc: Any) -> list[ColumnElement[bool]]:
    """Return the conditions of a walk that the index in its order can answer."""
    first, begins = search.part.first, search.wanted.begins
    if first is None or not hasattr(doc, "first"):
        return []
    # Rows that are not indexed anew yet have no first character.
    firsts = sorted({"", *firsts_of(first)})
    found: list[ColumnElement[bool]] = [doc.first == any_(literal(firsts, ARRAY(Text)))]
    return found if begins is None else [*found, *_begins(doc, begins)]


def _matching(search: Search, doc: Any, within: Sequence[str]) -> list[ColumnElement[bool]]:
    wanted = search.wanted
    inside = [frozenset({token}) for token in within] or [frozenset[str]()]
    # Cheap comparisons first: PostgreSQL evaluates them in this order.
    found: list[ColumnElement[bool]] = []
    if wanted.begins is not None:
        begins = and_(*_begins(doc, wanted.begins))
        found.append(begins.is_(True) if search.leading else not_(begins))
    found += [func.strpos(doc.words, word) > 0 for word in wanted.words]
    found.append(
        or_(*(has(doc.tokens, tokens | more) for tokens in search.part.alternatives for more in inside))
    )
    if wanted.begins is None and not search.leading and wanted.leading:
        found.append(not_(or_(*(has(doc.tokens, tokens).is_(True) for tokens in wanted.leading))))
    return found


def _begins(doc: Any, text: str) -> list[ColumnElement[bool]]:
    return [doc.name >= text, doc.name < text + LAST]
