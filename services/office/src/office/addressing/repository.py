"""Queries over the recipients of an address."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from office.addressing.predicates import recipients
from office.addressing.rules import Address
from office.directory.models import Unit

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
