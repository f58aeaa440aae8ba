"""Queries for accounts."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus
from identity.accounts.models import Account
from identity.audit.models import AuditRecord
from identity.blind_indexes import found_by
from identity.vault import Slots
from servicekit.ids import first_id
from servicekit.lane_sessions import runner_of
from servicekit.lanes import Statement
from servicekit.words import inline

NAME_CORRECTED = "account.name_corrected"
"""The action in the audit log."""


class Holder(NamedTuple):
    """The account with a phone number."""

    id: UUID
    status: AccountStatus


class AccountRepository:
    """Read and insert accounts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._runner = runner_of(session)

    async def get(self, sub: UUID, *, lock: bool = False) -> Account | None:
        """Return the account `sub`; `lock` locks the row for update."""
        if not lock:
            return await self._session.get(Account, sub)
        found: Account | None = await self._session.scalar(
            _first(select(Account).where(Account.id == sub).with_for_update())
        )
        return found

    async def corrections(self, sub: UUID, since: datetime) -> int:
        """Return how often the name of an account was corrected since a time."""
        statement = select(func.count()).where(
            AuditRecord.target_id == str(sub),
            AuditRecord.id >= first_id(since),
            AuditRecord.action == NAME_CORRECTED,
        )
        return await self._session.scalar(statement) or 0

    async def by_phone(self, phone: Slots, *, share: bool = False, lock: bool = False) -> Account | None:
        """Return the account with this phone number unless it is closed; `share` locks the row against
        changes, `lock` for update.
        """
        given = {name: index for name, index in phone._asdict().items() if index is not None}
        statement = _by_phone(frozenset(given), share=share, lock=lock)
        found: Account | None = await self._session.scalar(statement, given)
        return found

    async def holder(self, phone: Slots, *, share: bool) -> Holder | None:
        """Return who has this phone number, unless the account is closed; `share` locks the row against
        changes.
        """
        given = {name: index for name, index in phone._asdict().items() if index is not None}
        found = await self._runner.first(_holder(frozenset(given), share=share), given)
        return None if found is None else Holder(found.id, AccountStatus(found.status))

    async def by_id_number(self, number: Slots) -> Account | None:
        """Return the account with this identity number unless it is closed."""
        found: Account | None = await self._session.scalar(
            select(Account).where(
                found_by(number, Account.id_number_index, Account.id_number_index_even),
                Account.status != inline(AccountStatus.CLOSED),
            )
        )
        return found

    def add(self, account: Account) -> None:
        """Store a new account."""
        self._session.add(account)

    async def bulk_insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert many accounts."""
        await self._session.execute(insert(Account), rows)


def _first(statement: Select[Any]) -> Select[Any]:
    """Lock the account before any pending change is flushed. The lock order is account, sessions, grants, and
    the session object of the person may already be modified.
    """
    return statement.execution_options(autoflush=False, populate_existing=True)


@lru_cache(maxsize=16)
def _by_phone(given: frozenset[str], *, share: bool, lock: bool) -> Select[Any]:
    """Return the query by the columns whose indexes are `given`, built once."""
    statement = _with_number(select(Account), given)
    return _first(statement.with_for_update(read=not lock)) if share or lock else statement


@lru_cache(maxsize=8)
def _holder(given: frozenset[str], *, share: bool) -> Statement:
    statement = _with_number(select(Account.id, Account.status), given)
    return Statement(_first(statement.with_for_update(read=True)) if share else statement)


def _with_number(statement: Any, given: frozenset[str]) -> Any:
    columns = {"odd": Account.phone_index, "even": Account.phone_index_even}
    return statement.where(
        or_(*(column == bindparam(name) for name, column in columns.items() if name in given)),
        Account.status != inline(AccountStatus.CLOSED),
    )
