"""Keyset pagination: a page starts after the sort key of the previous page's last row."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from servicekit.instants import bounded
from servicekit.problems import Problem

T = TypeVar("T")


class BadCursor(Problem):
    """The cursor was not made by this service."""

    status = 400
    code = "bad_cursor"
    title = "分页标记无效"
    detail = "分页标记无效，请从第一页重新开始。"


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the following page, absent on the last."""

    items: list[T]
    next: str | None = Field(default=None, examples=["WyIwMTk..."])


MOST_COUNTED = 10_000
"""Totals are exact up to this number: counting on would take as long as reading the list."""


class Total(BaseModel):
    """How many rows a list has."""

    count: int = Field(description="条数，最多数到上限（列表为 10,000，搜索为 1,000）", examples=[137])
    exact: bool = Field(description="是否为准确条数；否时条数多于 count", examples=[True])

    @classmethod
    def of(cls, counted: int, most: int = MOST_COUNTED) -> "Total":
        """Return the total of a count that stopped at `most + 1`."""
        return cls(count=min(counted, most), exact=counted <= most)


class CountedPage(Page[T], Generic[T]):
    """A page of a list whose rows are counted."""

    total: Total = Field(description="全部条数")


class PageRequest:
    """The requested page: `limit` rows after `cursor`."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=1000, description="每页条数")] = 50,
        cursor: Annotated[str | None, Query(max_length=512, description="上一页返回的 next")] = None,
    ) -> None:
        self.limit = limit
        self.after: list[str] | None = decode(cursor) if cursor is not None else None

    def key(self, *types: Callable[[str], Any]) -> tuple[Any, ...] | None:
        """Return the sort key to continue after, each part converted to its type; None on the first page.

        Raises `BadCursor` for a cursor whose parts do not match the list's key in number or type.
        """
        if self.after is None:
            return None
        if len(self.after) != len(types) or not all(_storable(part) for part in self.after):
            raise BadCursor
        try:
            return tuple(type_(part) for type_, part in zip(types, self.after, strict=True))
        except (ValueError, ArithmeticError) as error:
            raise BadCursor from error


Paging = Annotated[PageRequest, Depends()]


def _storable(text: str) -> bool:
    """Return whether PostgreSQL accepts the text: JSON can contain a lone surrogate, UTF-8 cannot."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def instant(text: str) -> datetime:
    """Parse a cursor part written by `datetime.isoformat`, for `PageRequest.key`.

    Raises the errors of `instants.bounded`.
    """
    return bounded(datetime.fromisoformat(text))


def whole_number(text: str) -> int:
    """Parse a cursor part that is a positive number, for `PageRequest.key`; PostgreSQL's bigint can hold it.

    Raises ValueError.
    """
    number = int(text)
    if not 0 < number < 2**62:
        raise ValueError("not a number of ours")
    return number


def integer(text: str) -> int:
    """Parse a cursor part that PostgreSQL's integer can hold, for `PageRequest.key`. Raises ValueError."""
    number = int(text)
    if not -(2**31) <= number < 2**31:
        raise ValueError("not a number of ours")
    return number


def encode(key: Sequence[Any]) -> str:
    """Return an opaque cursor for the sort key of a row."""
    raw = json.dumps([str(part) for part in key], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def decode(cursor: str) -> list[str]:
    """Return the sort key of a cursor, as strings. Raises `BadCursor`."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise BadCursor from error
    if not isinstance(key, list) or not all(isinstance(part, str) for part in key):
        raise BadCursor
    return key


@dataclass(frozen=True)
class Cut(Generic[T]):
    """A page of rows, as a service returns it; the endpoint converts it to a `Page` of schemas."""

    items: list[T]
    next: str | None


def cut(rows: Sequence[T], limit: int, key_of: Callable[[T], Sequence[Any]]) -> Cut[T]:
    """Return one page of `rows`, which were queried with `limit + 1`. `key_of(row)` is the sort key."""
    items = list(rows[:limit])
    return Cut(items, encode(key_of(items[-1])) if len(rows) > limit else None)


def page(rows: Sequence[T], limit: int, key_of: Callable[[T], Sequence[Any]]) -> Page[T]:
    """Return one page of `rows` that need no conversion; see `cut`."""
    found = cut(rows, limit, key_of)
    return Page[T](items=found.items, next=found.next)
