"""Units of a subtree that have changed since a notice was published, and how these changes count.

Coverage is of the tree as it stood (`places`): this says why it differs from the tree of today.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Select, or_, select, text, union
from sqlalchemy.ext.asyncio import AsyncSession

from office.coverage.places import RETURNED, named
from office.coverage.rules import Counting, State, TreeStep
from office.coverage.scope import Scope
from office.directory.models import FormerPlace, Unit
from office.notices.models import Notice
from servicekit.lists import Listed, Order, listed_one
from servicekit.ltree import under
from servicekit.paging import PageRequest, instant

_ORDER: Final = Order((Unit.placed_at, Unit.id), (instant, UUID), descending=True)


@dataclass(frozen=True)
class ChangedUnit:
    """A unit, what has happened to it since the publication, and where it counts; `names`: units by id."""

    unit: Unit
    steps: Sequence[TreeStep]
    counting: Counting
    counted_here: bool
    counted_below: UUID | None
    names: dict[UUID, Unit]


class Counted(NamedTuple):
    """Where a unit counts: below which one, at which path, whether it has the notice, and whether only as one
    that has returned it.
    """

    parent_id: UUID | None
    path: str
    delivered: bool
    returned: bool


class ChangeRepository:
    """Query units that have changed since a notice was published."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def changed(self, notice: Notice, scope: Scope, paging: PageRequest) -> Listed[Unit]:
        """Return the units that stand in the scope or stood there since, the latest change first."""
        return await listed_one(self._session, _changed(notice, scope), _ORDER, paging)

    async def states(self, units: Sequence[Unit]) -> dict[UUID, list[State]]:
        """Return all states of units, by their ids."""
        states: dict[UUID, list[State]] = {unit.id: [] for unit in units}
        for place in await self._session.scalars(
            select(FormerPlace)
            .where(FormerPlace.unit_id.in_(states))
            .order_by(FormerPlace.unit_id, FormerPlace.valid_from)
        ):
            states[place.unit_id].append(
                State(place.valid_from, place.valid_to, place.parent_id, place.path, place.status)
            )
        for unit in units:
            states[unit.id].append(State(unit.placed_at, None, unit.parent_id, unit.path, unit.status))
        return states

    async def counted(self, notice: Notice, whole: Scope, units: Sequence[Unit]) -> dict[UUID, Counted]:
        """Return where units count, by their ids; `whole` is the scope of the publisher."""
        statement = f"""{named(special=whole.special)}, {RETURNED}
            SELECT c.id, c.parent_id, ltree2text(c.path), c.deadline IS NOT NULL, r.unit_id IS NOT NULL
            FROM counting c LEFT JOIN returned r ON r.unit_id = c.id"""  # noqa: S608 - our names
        values = whole.values(notice) | {"members": [unit.id for unit in units]}
        rows = await self._session.execute(text(statement), values)
        return {row[0]: Counted(*row[1:]) for row in rows}


def _changed(notice: Notice, scope: Scope) -> Select[Unit]:
    left = select(FormerPlace.unit_id).where(
        FormerPlace.valid_to > notice.published_at,
        or_(*(under(FormerPlace.path, path) for path in scope.paths)),
    )
    standing = select(Unit.id).where(Unit.placed_at > notice.published_at, under(Unit.path, scope.unit.path))
    return select(Unit).where(
        Unit.id.in_(union(standing, left)),
        Unit.placed_at > notice.published_at,
        Unit.id != notice.publisher_id,
        *([] if scope.members is None else [Unit.id.in_(scope.members)]),
    )
