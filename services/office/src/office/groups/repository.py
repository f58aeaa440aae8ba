"""Queries over groups, their members and favourites."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import UnitStatus
from office.directory.models import Unit
from office.groups.models import Favourite, Group, GroupMember
from office.groups.rules import Pick
from servicekit.ltree import under
from servicekit.words import inline


class GroupRepository:
    """Read and write groups and favourites."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, group: Group) -> None:
        """Write a new group."""
        self._session.add(group)
        await self._session.flush()

    async def get(self, group_id: UUID, unit_id: UUID, by: UUID, *, lock: bool = False) -> Group | None:
        """Return a group that the person sees who acts for the unit."""
        statement = select(Group).where(Group.id == group_id, _seen(unit_id, by))
        if lock:
            statement = statement.with_for_update().execution_options(populate_existing=True)
        return (await self._session.scalars(statement)).one_or_none()

    async def seen(self, unit_id: UUID, by: UUID) -> Sequence[Group]:
        """Return the person's own groups, then the shared ones, by name."""
        statement = select(Group).where(_seen(unit_id, by)).order_by(Group.owner.is_(None), Group.name)
        return (await self._session.scalars(statement)).all()

    async def count(self, unit_id: UUID, owner: UUID | None) -> int:
        """Return the number of groups of an owner: a person, or None for the unit."""
        whose = Group.owner.is_(None) if owner is None else Group.owner == owner
        statement = select(func.count()).select_from(Group).where(Group.unit_id == unit_id, whose)
        return (await self._session.scalars(statement)).one()

    async def named(self, unit_id: UUID, owner: UUID | None, name: str) -> UUID | None:
        """Return the identifier of the owner's group with a name."""
        whose = Group.owner.is_(None) if owner is None else Group.owner == owner
        return await self._session.scalar(
            select(Group.id).where(Group.unit_id == unit_id, whose, Group.name == name)
        )

    async def lock_owner(self, unit_id: UUID, owner: UUID | None) -> None:
        """Have other new groups and favourites of the owner wait for this transaction."""
        key = func.hashtextextended(f"groups/{unit_id}/{owner}", 0)
        await self._session.execute(select(func.pg_advisory_xact_lock(key)))

    async def delete(self, group: Group) -> None:
        """Delete a group with its members."""
        await self._session.execute(delete(Group).where(Group.id == group.id))

    async def replace_members(self, group_id: UUID, members: Sequence[tuple[Pick, str]]) -> None:
        """Write the members of a group with their names, in this order."""
        await self._session.execute(delete(GroupMember).where(GroupMember.group_id == group_id))
        if members:
            rows = [
                {
                    "group_id": group_id,
                    "position": place,
                    "unit_id": pick.unit_id,
                    "sub": pick.sub,
                    "name": name,
                }
                for place, (pick, name) in enumerate(members)
            ]
            await self._session.execute(insert(GroupMember), rows)

    async def members(self, group_id: UUID) -> Sequence[GroupMember]:
        """Return the members of a group in their order."""
        statement = select(GroupMember).where(GroupMember.group_id == group_id).order_by(GroupMember.position)
        return (await self._session.scalars(statement)).all()

    async def of_unit(self, group_ids: Sequence[UUID], unit_id: UUID) -> set[UUID]:
        """Return which of the groups exist in a unit."""
        rows = await self._session.scalars(
            select(Group.id).where(Group.id.in_(group_ids), Group.unit_id == unit_id)
        )
        return set(rows)

    async def units(self, group_id: UUID) -> Sequence[UUID]:
        """Return the units in a group in any status, without the people."""
        rows = await self._session.scalars(
            select(GroupMember.unit_id)
            .where(GroupMember.group_id == group_id, GroupMember.sub.is_(None))
            .order_by(GroupMember.unit_id)
        )
        return rows.all()

    async def units_below(self, group_ids: Sequence[UUID], sender: Unit) -> Sequence[UUID]:
        """Return the units in these groups that are active and below `sender` now, without repetition."""
        rows = await self._session.scalars(
            select(Unit.id)
            .where(
                Unit.id.in_(
                    select(GroupMember.unit_id).where(
                        GroupMember.group_id.in_(group_ids), GroupMember.sub.is_(None)
                    )
                ),
                Unit.status == inline(UnitStatus.ACTIVE),
                under(Unit.path, sender.path),
                Unit.id != sender.id,
            )
            .order_by(Unit.id)
        )
        return rows.all()

    async def favourites(self, by: UUID, acting_id: UUID) -> Sequence[Favourite]:
        """Return the favourites of a person who acts for a unit, the latest first."""
        statement = (
            select(Favourite)
            .where(Favourite.by == by, Favourite.acting_id == acting_id)
            .order_by(Favourite.id.desc())
        )
        return (await self._session.scalars(statement)).all()

    async def add_favourite(self, favourite: Favourite) -> None:
        """Write a favourite."""
        self._session.add(favourite)
        await self._session.flush()

    async def delete_favourite(self, favourite_id: UUID, by: UUID, acting_id: UUID) -> bool:
        """Delete a favourite; return whether there was one."""
        found = await self._session.execute(
            delete(Favourite)
            .where(Favourite.id == favourite_id, Favourite.by == by, Favourite.acting_id == acting_id)
            .returning(Favourite.id)
        )
        return found.first() is not None


def _seen(unit_id: UUID, by: UUID) -> ColumnElement[bool]:
    return (Group.unit_id == unit_id) & or_(Group.owner == by, Group.owner.is_(None))
