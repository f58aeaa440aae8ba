"""Queries for authenticators."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from identity.authenticators.models import Passkey, Password, RecoveryCode, SpentChallenge, Totp
from identity.base import Base


class AuthenticatorRepository:
    """Authenticators by account, and used challenges."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def password(self, sub: UUID, *, lock: bool = False) -> Password | None:
        """Return a person's password."""
        return await self._session.get(Password, sub, with_for_update=lock or None, populate_existing=lock)

    async def totp(self, sub: UUID, *, lock: bool = False) -> Totp | None:
        """Return a person's TOTP secret."""
        return await self._session.get(Totp, sub, with_for_update=lock or None, populate_existing=lock)

    async def passkeys(self, sub: UUID) -> Sequence[Passkey]:
        """Return a person's passkeys, oldest first."""
        return (
            await self._session.scalars(
                select(Passkey).where(Passkey.account_id == sub).order_by(Passkey.added_at, Passkey.id)
            )
        ).all()

    async def passkey(self, credential_id: bytes, *, lock: bool = False) -> Passkey | None:
        """Return the passkey with a credential id."""
        statement = select(Passkey).where(Passkey.credential_id == credential_id)
        if lock:
            statement = statement.with_for_update().execution_options(populate_existing=True)
        found: Passkey | None = await self._session.scalar(statement)
        return found

    async def recovery_codes_left(self, sub: UUID) -> int:
        """Return the number of unused recovery codes."""
        statement = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.account_id == sub)
        return await self._session.scalar(statement) or 0

    async def use_recovery_code(self, sub: UUID, code_hashes: Sequence[bytes]) -> bool:
        """Delete a recovery code on use. Return False if it does not exist."""
        gone = await self._session.scalar(
            delete(RecoveryCode)
            .where(RecoveryCode.account_id == sub, RecoveryCode.code_hash.in_(code_hashes))
            .returning(RecoveryCode.code_hash)
        )
        return gone is not None

    async def delete_recovery_codes(self, sub: UUID) -> None:
        """Delete a person's recovery codes."""
        await self._session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == sub))

    async def spend(self, challenge_hash: bytes, expires_at: datetime, now: datetime) -> bool:
        """Store a challenge as used until it expires. Return False if it was already used."""
        await self._session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at < now))
        first = await self._session.scalar(
            insert(SpentChallenge)
            .values(challenge_hash=challenge_hash, expires_at=expires_at)
            .on_conflict_do_nothing()
            .returning(SpentChallenge.challenge_hash)
        )
        return first is not None

    async def add_passkey(self, row: Passkey) -> bool:
        """Insert a passkey. Return False if its credential id already exists."""
        try:
            async with self._session.begin_nested():
                self._session.add(row)
        except IntegrityError:
            return False
        return True

    def add(self, row: Base) -> None:
        """Insert a row."""
        self._session.add(row)

    async def remove(self, row: Base) -> None:
        """Delete a row."""
        await self._session.delete(row)
