"""A page of rows as a service returns it; the endpoint makes a `servicekit.paging.Page` of its schemas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from servicekit.paging import encode

T = TypeVar("T")


@dataclass(frozen=True)
class Cut(Generic[T]):
    """The rows of one page, and the cursor of the following one."""

    items: list[T]
    next: str | None


def cut(rows: Sequence[T], limit: int, key_of: Callable[[T], Sequence[Any]]) -> Cut[T]:
    """Cut `rows`, queried with `limit + 1`, to one page. `key_of(row)` is the sort key."""
    items = list(rows[:limit])
    return Cut(items, encode(key_of(items[-1])) if len(rows) > limit else None)
