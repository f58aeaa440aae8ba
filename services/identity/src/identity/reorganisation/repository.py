"""Queries for what follows a unit that moves or is merged."""

from sqlalchemy import Integer, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

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

    async def flush(self) -> None:
        """Write what has changed so far."""
        await self._session.flush()

    async def follow_suspensions(self, former: str, present: str) -> None:
        """Let a suspension by an administrator at `former` or below be lifted from the new place."""
        depth = former.count(".") + 1
        await self._session.execute(_FOLLOW, {"former": former, "present": present, "depth": depth})
