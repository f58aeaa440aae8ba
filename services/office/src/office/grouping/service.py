"""Groups and favourites with what has become of their members."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.documents import GroupScope
from office.actors import Actor
from office.contacts.picking import Picked, Picking
from office.groups.errors import ContactNotVisible
from office.groups.models import Favourite, Group
from office.groups.rules import Pick
from office.groups.service import Groups, Members
from servicekit.etags import SeenVersions


@dataclass(frozen=True)
class GroupView:
    """A group, its members as they are now, and how many units it would address."""

    group: Group
    members: Sequence[Picked]
    addressable: int


class Grouping:
    """Groups and favourites within one request."""

    def __init__(self, groups: Groups, picking: Picking) -> None:
        self._groups = groups
        self._picking = picking

    async def list(self, actor: Actor) -> Sequence[Group]:
        """Return the groups that the actor sees. Raises as `Contacts.viewer` does."""
        await self._picking.viewer(actor)
        return await self._groups.list(actor)

    async def get(self, actor: Actor, group_id: UUID) -> GroupView:
        """Return a group. Raises `NotFound`, and as `Contacts.viewer` does."""
        group, members = await self._groups.get(actor, group_id)
        picks = [(Pick(one.unit_id, one.sub), one.name) for one in members]
        own = await self._picking.own(actor)
        return GroupView(
            group,
            await self._picking.picked(actor, picks),
            len(await self._groups.units_below(own, [group.id])),
        )

    async def create(self, actor: Actor, scope: GroupScope, name: str, picks: Sequence[Pick]) -> GroupView:
        """Create a group. Raises `ContactNotVisible`, and as `Groups.create` does."""
        group = await self._groups.create(actor, scope, name, await self._named(actor, picks))
        return await self.get(actor, group.id)

    async def change(
        self, actor: Actor, group_id: UUID, name: str, picks: Sequence[Pick], seen: SeenVersions
    ) -> GroupView:
        """Replace a group; members that are in it already may have become invisible.

        Raises `ContactNotVisible`, and as `Groups.change` does.
        """
        _, members = await self._groups.get(actor, group_id)
        known = {Pick(one.unit_id, one.sub): one.name for one in members}
        await self._groups.change(actor, group_id, name, await self._named(actor, picks, known), seen)
        return await self.get(actor, group_id)

    async def delete(self, actor: Actor, group_id: UUID, seen: SeenVersions) -> None:
        """Delete a group. Raises as `Groups.delete` does."""
        await self._groups.delete(actor, group_id, seen)

    async def favourites(self, actor: Actor) -> Sequence[tuple[Favourite, Picked]]:
        """Return the actor's favourites, the latest first. Raises as `Contacts.viewer` does."""
        kept = await self._groups.favourites(actor)
        picked = await self._picking.picked(actor, [(Pick(one.unit_id, one.sub), one.name) for one in kept])
        return list(zip(kept, picked, strict=True))

    async def keep(self, actor: Actor, pick: Pick) -> tuple[Favourite, Picked]:
        """Add a favourite. Raises `ContactNotVisible`, `TooManyFavourites`."""
        [(_, name)] = await self._named(actor, [pick], field=())
        favourite = await self._groups.keep(actor, pick, name)
        [picked] = await self._picking.picked(actor, [(pick, name)])
        return favourite, picked

    async def drop(self, actor: Actor, favourite_id: UUID) -> None:
        """Delete a favourite. Raises `NotFound`."""
        await self._groups.drop(actor, favourite_id)

    async def _named(
        self,
        actor: Actor,
        picks: Sequence[Pick],
        known: dict[Pick, str] | None = None,
        field: Sequence[str] = ("members",),
    ) -> Members:
        """Return picks with their present names; those `known` keep theirs if they are not visible now."""
        names = {**(known or {}), **await self._picking.names(actor, picks)}
        missing = [place for place, pick in enumerate(picks) if pick not in names]
        if missing:
            raise ContactNotVisible.at(missing, field)
        return [(pick, names[pick]) for pick in picks]
