"""Lists: one page of a query's rows in an order, and how many rows there are.

A repository states which rows there are and in which orders they can be read; where a page begins, that it
ends, and the number of all rows are the same for every list and are here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from contracts.vocabulary import Vocabulary
from servicekit.paging import MOST_COUNTED, CountedPage, Cut, PageRequest, Total, encode

T = TypeVar("T")
Shown = TypeVar("Shown")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class Order:
    """A sort order: columns without nulls, of which the last makes it unique.

    All ascend or all descend, so that PostgreSQL finds the beginning of a page by one comparison of rows.
    """

    columns: tuple[InstrumentedAttribute[Any], ...]
    types: tuple[Callable[[str], Any], ...]
    """Convert the parts of a cursor; see `PageRequest.key`."""
    descending: bool = False

    def behind(self, key: Sequence[Any]) -> ColumnElement[bool]:
        """Return the condition for rows that come after `key`."""
        if len(self.columns) == 1:
            [column], [value] = self.columns, key
            alone: ColumnElement[bool] = column < value if self.descending else column > value
            return alone
        own, last = tuple_(*self.columns), tuple_(*key)
        return own < last if self.descending else own > last

    def clauses(self) -> list[ColumnElement[Any]]:
        """Return the terms of ORDER BY."""
        return [column.desc() if self.descending else column.asc() for column in self.columns]


def by_id(column: InstrumentedAttribute[UUID], *, latest_first: bool = False) -> Order:
    """Return the order of ids, which is the order in which rows were made."""
    return Order((column,), (UUID,), latest_first)


class AgeSort(Vocabulary):
    """The orders of lists of what was made one after another."""

    NEWEST = "newest", "从新到旧"
    OLDEST = "oldest", "从旧到新"

    def of(self, column: InstrumentedAttribute[UUID]) -> Order:
        """Return the order of the ids."""
        return by_id(column, latest_first=self is AgeSort.NEWEST)


@dataclass(frozen=True)
class Listed(Cut[T], Generic[T]):
    """A page of rows and the number of all rows."""

    total: Total

    def page(self, show: Callable[[T], Shown]) -> CountedPage[Shown]:
        """Return the page of the API with each row as `show` returns it."""
        return CountedPage(items=[show(one) for one in self.items], next=self.next, total=self.total)

    def each(self, make: Callable[[T], Shown]) -> "Listed[Shown]":
        """Return the same page with what `make` makes of each row."""
        return Listed([make(one) for one in self.items], self.next, self.total)


async def listed(
    session: AsyncSession, statement: Select[*Ts], order: Order, paging: PageRequest
) -> Listed[tuple[*Ts]]:
    """Return the page of a statement's rows, and their number. Raises `BadCursor`.

    The statement has no order and no limit. The first page is not counted if it is the only one.
    """
    after = paging.key(*order.types)
    keyed: Select[Any] = statement.add_columns(*order.columns)
    if after is not None:
        keyed = keyed.where(order.behind(after))
    keyed = keyed.order_by(*order.clauses()).limit(paging.limit + 1)
    rows: Sequence[Row[Any]] = (await session.execute(keyed)).all()
    width = len(order.columns)
    more = len(rows) > paging.limit
    shown = rows[: paging.limit]
    total = Total.of(len(rows)) if after is None and not more else await total_of(session, statement)
    items: list[Any] = [tuple(row)[:-width] for row in shown]
    return Listed(items, encode(tuple(shown[-1])[-width:]) if more else None, total)


async def listed_one(
    session: AsyncSession, statement: Select[T], order: Order, paging: PageRequest
) -> Listed[T]:
    """Return the page of a statement that selects one thing; see `listed`."""
    found = await listed(session, statement, order, paging)
    return Listed([row[0] for row in found.items], found.next, found.total)


async def total_of(session: AsyncSession, statement: Select[*Ts], most: int = MOST_COUNTED) -> Total:
    """Return the number of a statement's rows, counted up to `most`."""
    some = (
        statement.with_only_columns(literal_column("1").label("one"), maintain_column_froms=True)
        .order_by(None)
        .limit(most + 1)
        .subquery()
    )
    return Total.of((await session.scalars(select(func.count()).select_from(some))).one(), most)
