"""Queries over accounts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.models import Account


class AccountRepository:
    """Accounts by id, by phone, and in bulk."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, sub: UUID, *, lock: bool = False) -> Account | None:
        """An account by `sub`; `lock` for a change."""
        return await self._session.get(Account, sub, with_for_update=lock or None)

    async def by_phone_index(self, index: bytes, *, share: bool = False) -> Account | None:
        """The account, not closed, that has this phone number; `share` locks it against changes."""
        statement = select(Account).where(Account.phone_index == index, Account.status != "closed")
        if share:
            statement = statement.with_for_update(read=True)
        found: Account | None = await self._session.scalar(statement)
        return found

    def add(self, account: Account) -> None:
        """Store a new account."""
        self._session.add(account)

    async def bulk_insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert many."""
        await self._session.execute(insert(Account), rows)
