"""Addresses: whether a sender may use one, and whom it reaches."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Reach
from office.addressing.errors import GroupUnknown, NothingBelow, RecipientsOutOfReach, TooManyPicked
from office.addressing.repository import AddressRepository
from office.addressing.rules import MAX_PICKED, Address
from office.addressing.standing import Standing
from office.directory.models import Unit
from office.groups.service import Groups

BRANCHES_SHOWN = 1000


@dataclass(frozen=True)
class BranchCount:
    """The recipients at and below one unit directly below the sender; `unit` is None if not replicated."""

    code: str
    unit: Unit | None
    total: int
    by_level: dict[str, int]


@dataclass(frozen=True)
class Preview:
    """Whom an address reaches now. `branches` holds the first `BRANCHES_SHOWN` of `branch_count`."""

    total: int
    by_level: dict[str, int]
    branch_count: int
    branches: list[BranchCount]


class Addressing:
    """Check and count addresses within one request."""

    def __init__(self, session: AsyncSession, groups: Groups) -> None:
        self._addresses = AddressRepository(session)
        self._groups = groups

    async def resolved(
        self, sender: Unit, address: Address, *, field: Sequence[str] = ("recipients", "groups")
    ) -> Address:
        """Return the address with the units of its groups instead of the groups, as they are now.

        Units of a group that are closed or not below `sender` are left out. Raises `GroupUnknown`,
        `TooManyPicked`.
        """
        if not address.groups:
            return address
        missing = await self._groups.missing(sender, address.groups)
        if missing:
            raise GroupUnknown.at(missing, field)
        inside = await self._groups.units_below(sender, address.groups)
        picked = tuple(dict.fromkeys((*address.picked, *inside)))
        if len(picked) > MAX_PICKED:
            raise TooManyPicked
        return replace(address, picked=picked, groups=())

    async def count(
        self, sender: Unit, address: Address, *, field: Sequence[str] = ("recipients", "units")
    ) -> int:
        """Return the number of recipients.

        Raises `NothingBelow` if there are none, `RecipientsOutOfReach` for a picked unit that `sender` may
        not address, and as `resolved` does; `field` is the place of the picked units in the request.
        """
        address = await self.resolved(sender, address)
        if address.reach is Reach.PICKED:
            if not address.picked:
                raise NothingBelow
            found = await self._addresses.picked(sender, address)
            missing = [(index, unit) for index, unit in enumerate(address.picked) if unit not in found]
            if missing:
                raise RecipientsOutOfReach.at(missing, field)
            return len(found)
        total = await self._addresses.count(sender, address)
        if total == 0:
            raise NothingBelow
        return total

    async def standings(self, units: Collection[Unit]) -> dict[UUID, Standing]:
        """Return units with the places where they stood and stand, by their ids."""
        return await self._addresses.standings(units)

    async def preview(self, sender: Unit, address: Address) -> Preview:
        """Return the recipients by level and branch; none is no error.

        Raises `RecipientsOutOfReach`, and as `resolved` does.
        """
        address = await self.resolved(sender, address)
        if address.reach is Reach.PICKED and address.picked:
            await self.count(sender, address)
        groups = await self._addresses.groups(sender, address)
        by_level: Counter[str] = Counter()
        branches: dict[str, dict[str, int]] = {}
        for group in groups:
            by_level[group.level] += group.units
            branches.setdefault(group.branch, {})[group.level] = group.units
        shown = list(branches)[:BRANCHES_SHOWN]
        units = await self._addresses.by_code(shown)
        return Preview(
            total=by_level.total(),
            by_level=dict(by_level),
            branch_count=len(branches),
            branches=[
                BranchCount(code, units.get(code), sum(branches[code].values()), branches[code])
                for code in shown
            ],
        )
