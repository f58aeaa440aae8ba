"""Why the coverage of a notice differs from the tree of today: units that have changed, how they count."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.coverage.change_repository import ChangedUnit, ChangeRepository, Counted
from office.coverage.repository import CoverageRepository
from office.coverage.rules import Counting, steps
from office.coverage.scope import Scope
from office.coverage.scopes import scope_of
from office.directory.models import Unit
from office.directory.service import Units
from office.notices.models import Notice
from servicekit.lists import Listed
from servicekit.ltree import is_under
from servicekit.paging import PageRequest


class Changes:
    """Explain changes of the tree within one transaction."""

    def __init__(self, session: AsyncSession, units: Units) -> None:
        self._units = units
        self._coverage = CoverageRepository(session)
        self._changes = ChangeRepository(session)

    async def page(self, notice: Notice, scope: Scope, paging: PageRequest) -> Listed[ChangedUnit]:
        """Return the units of a scope that have changed since the publication, the latest change first.

        Raises `BadCursor`. The receipts of single units must not be archived: they tell how a unit counts.
        """
        assert notice.published_at is not None
        since = notice.published_at
        found = await self._changes.changed(notice, scope, paging)
        publisher = await self._units.get(notice.publisher_id)
        counted: dict[UUID, Counted] = {}
        if publisher is not None and found.items:
            whole = await scope_of(self._coverage, self._units, notice, publisher)
            counted = await self._changes.counted(notice, whole, found.items)
        states = await self._changes.states(found.items)
        ids = {state.parent_id for one in states.values() for state in one} | {
            *(unit.merged_into_id for unit in found.items),
            *(place.parent_id for place in counted.values()),
        }
        names = await self._units.of_ids(one for one in ids if one is not None)

        # With a publisher that has moved, its units have not left it.
        top = [scope.publisher_path, None if publisher is None else publisher.path]

        def explained(unit: Unit) -> ChangedUnit:
            place = counted.get(unit.id)
            return ChangedUnit(
                unit=unit,
                steps=steps(states[unit.id], since, merged=unit.merged_into_id is not None),
                counting=_counting(unit, place, [path for path in top if path is not None]),
                counted_here=place is not None and any(is_under(place.path, path) for path in scope.paths),
                counted_below=None if place is None else place.parent_id,
                names=names,
            )

        return found.each(explained)


def _counting(unit: Unit, place: Counted | None, publisher: Sequence[str]) -> Counting:
    """Return how a unit that has changed counts; `place` is None if it does not. `publisher`: where the
    publisher stood and stands.
    """
    if place is not None:
        if place.returned:
            return Counting.RETURNED
        return Counting.REACHED if place.delivered else Counting.PRESENT
    if not unit.is_active:
        return Counting.CLOSED
    if publisher and not any(is_under(unit.path, path) for path in publisher):
        return Counting.LEFT
    return Counting.NOT_OWED
