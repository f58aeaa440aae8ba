"""Queries over used logout tokens."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from portal.signing_in.models import UsedLogoutToken


class LogoutTokenRepository:
    """Remember logout tokens."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def first(self, jti: str, expires_at: datetime) -> bool:
        """Record a token; return False if it was recorded before."""
        statement = insert(UsedLogoutToken).values(jti=jti, expires_at=expires_at).on_conflict_do_nothing()
        return await self._session.scalar(statement.returning(UsedLogoutToken.jti)) is not None
