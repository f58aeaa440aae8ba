"""Queries over SMS codes."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from identity.codes.models import SmsCode


class CodeRepository:
    """Codes by number and by address."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def serialise(self, phone_index: bytes) -> None:
        """Make requests for one number wait for each other until the transaction ends."""
        key = int.from_bytes(phone_index[:8], "big", signed=True)
        await self._session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    async def latest(self, phone_index: bytes, purpose: str, *, lock: bool = False) -> SmsCode | None:
        """The newest code for a number and purpose."""
        statement = (
            select(SmsCode)
            .where(SmsCode.phone_index == phone_index, SmsCode.purpose == purpose)
            .order_by(SmsCode.sent_at.desc())
            .limit(1)
        )
        found: SmsCode | None = await self._session.scalar(statement.with_for_update() if lock else statement)
        return found

    async def sent_to_number(self, phone_index: bytes, since: datetime) -> int:
        """How many codes a number has been sent."""
        return await self._count(SmsCode.phone_index == phone_index, since)

    async def sent_from_address(self, address_index: bytes, since: datetime) -> int:
        """How many codes an address has asked for."""
        return await self._count(SmsCode.address_index == address_index, since)

    def add(self, code: SmsCode) -> None:
        """Store a code."""
        self._session.add(code)

    async def _count(self, condition: object, since: datetime) -> int:
        statement = select(func.count()).select_from(SmsCode).where(condition, SmsCode.sent_at > since)  # type: ignore[arg-type]
        return await self._session.scalar(statement) or 0
