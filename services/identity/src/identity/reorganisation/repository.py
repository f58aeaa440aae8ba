"""Queries for what follows a unit that moves or is merged."""

from uuid import UUID

from sqlalchemy import Integer, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from identity.reorganisation.models import UnitEnding

_FOLLOW = text(
    """
    UPDATE accounts
    SET suspended_by_path = text2ltree(:present)
        || CASE WHEN nlevel(suspended_by_path) = :depth THEN '' ELSE subpath(suspended_by_path, :depth) END
    WHERE suspended_by_path <@ text2ltree(:former)
    """
).bindparams(
    bindparam("present", type_=Text), bindparam("former", type_=Text), bindparam("depth", type_=Integer)
)


class ReorganisationRepository:
    """Rows of other features that follow a unit."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: UnitEnding) -> None:
        """Insert the ending of a unit."""
        self._session.add(row)

    async def ending(self, unit_id: UUID, *, lock: bool = False) -> UnitEnding | None:
        """Return the ending of a unit."""
        return await self._session.get(
            UnitEnding, unit_id, with_for_update=lock or None, populate_existing=lock
        )

    async def follow_suspensions(self, former: str, present: str) -> None:
        """Let a suspension by an administrator at `former` or below be lifted from the new place."""
        depth = former.count(".") + 1
        await self._session.execute(_FOLLOW, {"former": former, "present": present, "depth": depth})
