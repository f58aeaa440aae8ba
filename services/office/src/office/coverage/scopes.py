"""What of a notice is counted in a subtree."""

from typing import Final

from contracts.vocabulary import Reach
from office.addressing.rules import ALL_CHILDREN
from office.coverage.counting import Scope
from office.coverage.repository import CoverageRepository
from office.directory.models import Unit
from office.directory.service import Units
from office.notices.models import Notice

SPECIAL_PLACES: Final = 50
"""If more units have dispatched in a special way, all units of the notice are looked at one by one."""


async def scope_of(coverage: CoverageRepository, units: Units, notice: Notice, unit: Unit) -> Scope:
    """Return the scope of a published notice in the subtree of `unit`."""
    assert notice.published_at is not None
    former = await units.former_places(unit)
    whole = notice.recipients.reach is Reach.SUBTREE and not notice.recipients.filtered
    publisher_path = await units.path_at(notice.publisher_id, notice.published_at)
    return Scope(
        unit=unit,
        paths=sorted({unit.path, *(place.path for place in former)}),
        publisher_path=publisher_path,
        special=() if whole else await _special(coverage, notice, publisher_path),
        whole=whole,
    )


async def _special(
    coverage: CoverageRepository, notice: Notice, publisher_path: str | None
) -> tuple[str, ...]:
    if publisher_path is None:
        return ()
    if notice.recipients != ALL_CHILDREN:
        return (publisher_path,)
    places = await coverage.special_places(notice.id, limit=SPECIAL_PLACES + 1)
    return (publisher_path,) if len(places) > SPECIAL_PLACES else tuple(places)
