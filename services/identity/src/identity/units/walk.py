"""The units below one on a past day, by path: the history has no paths, so the tree is walked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from contracts.vocabulary import UnitStatus
from identity.units.view_repository import Filters, UnitOnDay, ViewRepository

MOST_VISITED = 2_000
"""Units that one page looks at."""
_AT_ONCE = 100

T = TypeVar("T")
Found = tuple[UnitOnDay, str]
"""A unit and its path on the day."""


@dataclass(frozen=True)
class Walked(Generic[T]):
    """One page. `next` is the path that the next page continues after; None on the last."""

    items: list[T]
    next: str | None


@dataclass
class _Step:
    """The children of one unit that are still to be visited, from those with a code greater than `after`."""

    parent: UnitOnDay
    path: str
    after: str | None = None
    read: Sequence[tuple[UnitOnDay, bool]] = ()
    at: int = 0
    complete: bool = False


class Walk:
    """A walk for one page, parents before children and children by code.

    A page ends after `limit` units, or after `MOST_VISITED` that the filters may have left out: it can be
    short although a next one follows.
    """

    def __init__(self, views: ViewRepository, day: date, filters: Filters, limit: int) -> None:
        self._views = views
        self._day = day
        self._filters = filters
        self._limit = limit
        self._closed = filters.status != UnitStatus.ACTIVE
        self._items: list[Found] = []
        self._visited = 0
        self._last = ""

    async def run(self, root: UnitOnDay, path: str, after: str | None) -> Walked[Found]:
        """Return the page of the units at and below `root`, whose path is `path`, after the path `after`."""
        if after is None:
            self._visit(root, path)
            steps = [_Step(root, path)]
        else:
            steps = await self._resume(root, path, after)
        while steps:
            found = await self._child(steps[-1])
            if found is None:
                steps.pop()
                continue
            child, has_children = found
            if len(self._items) == self._limit or self._visited >= MOST_VISITED:
                return Walked(self._items, self._last)
            below = f"{steps[-1].path}.{child.unit.code}"
            self._visit(child, below)
            if has_children:
                steps.append(_Step(child, below))
        return Walked(self._items, None)

    def _visit(self, unit: UnitOnDay, path: str) -> None:
        self._visited += 1
        self._last = path
        if self._filters.match(unit.state.state):
            self._items.append((unit, path))

    async def _child(self, step: _Step) -> tuple[UnitOnDay, bool] | None:
        if step.at == len(step.read):
            if step.complete:
                return None
            most = max(self._limit, _AT_ONCE) + 1
            found = await self._views.levels_on(
                [step.parent.unit.id], self._day, most, closed=self._closed, after=step.after
            )
            step.read, step.at = found.get(step.parent.unit.id, []), 0
            step.complete = len(step.read) < most
            if not step.read:
                return None
            step.after = step.read[-1][0].unit.code
        step.at += 1
        return step.read[step.at - 1]

    async def _resume(self, root: UnitOnDay, path: str, after: str) -> list[_Step]:
        """Return the steps that remain after a path. A unit of it that is not there any more, because the
        past was corrected in between, is passed over.
        """
        steps = [_Step(root, path)]
        for code in after.removeprefix(path).split(".")[1:]:
            step = steps[-1]
            step.after = code
            child = await self._views.child_on(step.parent.unit.id, code, self._day)
            if child is None:
                break
            steps.append(_Step(child, f"{step.path}.{code}"))
        return steps
