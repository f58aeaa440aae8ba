"""Groups and favourites. Whether a member is visible, `contacts` decides; see `contacts.picking`."""

import builtins
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import GroupScope
from contracts.vocabulary import Permission
from office.actors import Actor
from office.directory.models import Unit
from office.groups.errors import (
    GroupNameTaken,
    SharedGroupReadOnly,
    TooManyFavourites,
    TooManyGroups,
)
from office.groups.models import Favourite, Group, GroupMember
from office.groups.repository import GroupRepository
from office.groups.rules import MAX_FAVOURITES, MAX_GROUPS, Pick
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.ids import new_id
from servicekit.problems import NotFound

Members = Sequence[tuple[Pick, str]]
"""Members with the names that they have now."""


class Groups:
    """Groups and favourites within one request."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._clock = clock
        self._groups = GroupRepository(session)

    async def list(self, actor: Actor) -> Sequence[Group]:
        """Return the actor's own groups and the shared ones of the acting unit."""
        return await self._groups.seen(actor.unit_id, actor.sub)

    async def get(self, actor: Actor, group_id: UUID) -> tuple[Group, Sequence[GroupMember]]:
        """Return a group with its members. Raises `NotFound`."""
        group = await self._groups.get(group_id, actor.unit_id, actor.sub)
        if group is None:
            raise NotFound
        return group, await self._groups.members(group_id)

    async def exists(self, group_id: UUID, *, unit_id: UUID, by: UUID) -> bool:
        """Return whether a person who acts for a unit sees a group, for a job."""
        return await self._groups.get(group_id, unit_id, by) is not None

    async def units(self, group_id: UUID, *, unit_id: UUID, by: UUID) -> Sequence[UUID]:
        """Return the units, in any status, of a group that a person sees who acts for a unit.

        Raises `NotFound`.
        """
        if not await self.exists(group_id, unit_id=unit_id, by=by):
            raise NotFound
        return await self._groups.units(group_id)

    async def create(self, actor: Actor, scope: GroupScope, name: str, members: Members) -> Group:
        """Create a group. Raises `SharedGroupReadOnly`, `TooManyGroups`, `GroupNameTaken`."""
        owner = actor.sub if scope is GroupScope.OWN else None
        self._check_writer(actor, owner)
        await self._groups.lock_owner(actor.unit_id, owner)
        if await self._groups.count(actor.unit_id, owner) >= MAX_GROUPS:
            raise TooManyGroups
        group = Group(id=new_id(), scope=scope, unit_id=actor.unit_id, owner=owner, version=0)
        await self._write(actor, group, name, members)
        return group

    async def change(
        self, actor: Actor, group_id: UUID, name: str, members: Members, seen: SeenVersions
    ) -> Group:
        """Replace a group. Raises `NotFound`, `SharedGroupReadOnly`, `VersionChanged`, `GroupNameTaken`."""
        group = await self._own(actor, group_id)
        seen.require(group.version)
        await self._write(actor, group, name, members)
        return group

    async def delete(self, actor: Actor, group_id: UUID, seen: SeenVersions) -> None:
        """Delete a group. Raises `NotFound`, `SharedGroupReadOnly`, `VersionChanged`."""
        group = await self._own(actor, group_id)
        seen.require(group.version)
        await self._groups.delete(group)

    async def missing(self, unit: Unit, group_ids: Sequence[UUID]) -> builtins.list[int]:
        """Return the places of groups that do not exist in the unit."""
        found = await self._groups.of_unit(group_ids, unit.id)
        return [place for place, group_id in enumerate(group_ids) if group_id not in found]

    async def units_below(self, sender: Unit, group_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Return the units in these groups that `sender` may address now: those closed since are left out."""
        return await self._groups.units_below(group_ids, sender)

    async def favourites(self, actor: Actor) -> Sequence[Favourite]:
        """Return the actor's favourites in the acting unit, the latest first."""
        return await self._groups.favourites(actor.sub, actor.unit_id)

    async def keep(self, actor: Actor, pick: Pick, name: str) -> Favourite:
        """Add a favourite, or return it if it is one. Raises `TooManyFavourites`."""
        await self._groups.lock_owner(actor.unit_id, actor.sub)
        kept = await self._groups.favourites(actor.sub, actor.unit_id)
        for one in kept:
            if (one.unit_id, one.sub) == (pick.unit_id, pick.sub):
                return one
        if len(kept) >= MAX_FAVOURITES:
            raise TooManyFavourites
        favourite = Favourite(
            id=new_id(),
            by=actor.sub,
            acting_id=actor.unit_id,
            unit_id=pick.unit_id,
            sub=pick.sub,
            name=name,
            added_at=self._clock.now(),
        )
        await self._groups.add_favourite(favourite)
        return favourite

    async def drop(self, actor: Actor, favourite_id: UUID) -> None:
        """Delete a favourite. Raises `NotFound`."""
        if not await self._groups.delete_favourite(favourite_id, actor.sub, actor.unit_id):
            raise NotFound

    def _check_writer(self, actor: Actor, owner: UUID | None) -> None:
        if owner is None and not actor.may(Permission.NOTICES_DRAFT):
            raise SharedGroupReadOnly

    async def _own(self, actor: Actor, group_id: UUID) -> Group:
        group = await self._groups.get(group_id, actor.unit_id, actor.sub)
        if group is None:
            raise NotFound
        self._check_writer(actor, group.owner)
        # Names of one owner change one after the other.
        await self._groups.lock_owner(actor.unit_id, group.owner)
        locked = await self._groups.get(group_id, actor.unit_id, actor.sub, lock=True)
        if locked is None:
            raise NotFound
        return locked

    async def _write(self, actor: Actor, group: Group, name: str, members: Members) -> None:
        holder = await self._groups.named(actor.unit_id, group.owner, name)
        if holder is not None and holder != group.id:
            raise GroupNameTaken
        group.write(name, len(members), by=actor.sub, now=self._clock.now())
        await self._groups.add(group)
        await self._groups.replace_members(group.id, members)
