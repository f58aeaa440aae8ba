"""Queries over the recipients of an address."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from office.addressing.predicates import ATTRIBUTES, recipients, then
from office.addressing.rules import Address
from office.addressing.standing import At, Standing, codes_above, standing
from office.directory.models import FormerPlace, Unit

MAX_GROUPS = 20_000


class Group(NamedTuple):
    """The recipients of one level in one branch, named by the code of the unit directly below the sender."""

    branch: str
    level: str
    units: int


class AddressRepository:
    """Count recipients."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, sender: Unit, address: Address) -> int:
        """Return the number of active units that `sender` addresses now."""
        statement = select(func.count()).select_from(Unit).where(recipients(sender, address))
        return (await self._session.scalars(statement)).one()

    async def groups(self, sender: Unit, address: Address) -> Sequence[Group]:
        """Return the numbers of recipients by branch and level."""
        below = sender.path.count(".") + 1
        branch = func.ltree2text(func.subpath(Unit.path, below, 1)).label("branch")
        rows = await self._session.execute(
            select(branch, Unit.level, func.count())
            .where(recipients(sender, address))
            .group_by(branch, Unit.level)
            .order_by(branch)
            .limit(MAX_GROUPS)
        )
        return [Group(*row) for row in rows]

    async def by_code(self, codes: Sequence[str]) -> dict[str, Unit]:
        """Return units by their codes."""
        rows = await self._session.scalars(select(Unit).where(Unit.code.in_(codes)))
        return {unit.code: unit for unit in rows}

    async def picked(self, sender: Unit, address: Address) -> set[UUID]:
        """Return which of the picked units are active and below `sender`."""
        rows = await self._session.scalars(select(Unit.id).where(recipients(sender, address)))
        return set(rows)

    async def standings(self, units: Collection[Unit]) -> dict[UUID, Standing]:
        """Return units with all their places, by their ids."""
        places: dict[UUID, list[At]] = {unit.id: [] for unit in units}
        former = await self._session.execute(
            select(
                *(FormerPlace.unit_id, FormerPlace.parent_id, FormerPlace.path, FormerPlace.valid_to),
                *(then(FormerPlace, Unit, name) for name in ATTRIBUTES),
            )
            .join(Unit, Unit.id == FormerPlace.unit_id)
            .where(FormerPlace.unit_id.in_(places))
            .order_by(FormerPlace.unit_id, FormerPlace.valid_from)
        )
        for unit_id, *place in former:
            places[unit_id].append(At(*place))
        for unit in units:
            places[unit.id].append(At(unit.parent_id, unit.path, None, unit.level, unit.kind, unit.stages))
        ids: dict[str, list[UUID]] = {}
        for code, unit_id in await self._session.execute(
            select(Unit.code, Unit.id).where(Unit.code.in_(codes_above(places.values())))
        ):
            ids.setdefault(code, []).append(unit_id)
        return {unit.id: standing(unit, places[unit.id], ids) for unit in units}
