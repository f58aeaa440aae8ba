"""Queries of the device flow."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.accounts.models import Account
from identity.grants.models import Grant
from identity.oauth.device.models import DeviceCode, DeviceTries
from identity.units.models import Unit


class DeviceCodes:
    """Device codes for the protocol core, on the sync interface of the session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: DeviceCode) -> None:
        """Insert a request."""
        self._session.add(row)

    def lock(self, row_id: UUID) -> DeviceCode | None:
        """Return a request by id, locked and refreshed, so that it is redeemed once."""
        found: DeviceCode | None = self._session.scalar(
            select(DeviceCode)
            .where(DeviceCode.id == row_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return found


class DeviceRepository:
    """Pending requests, and the count of failed user codes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_grant(self, grant: Grant) -> None:
        """Insert and flush the grant of an approved device, so that later queries return it."""
        self._session.add(grant)
        await self._session.flush()

    async def names(self, unit_id: UUID, account_id: UUID) -> tuple[str, str]:
        """Return the names of a unit and of a person."""
        statement = (
            select(Unit.name, Account.name)
            .select_from(Unit)
            .join(Account, Account.id == account_id)
            .where(Unit.id == unit_id)
        )
        unit, person = (await self._session.execute(statement)).one()
        return unit, person

    async def live(self, user_code_hashes: Sequence[bytes], now: datetime) -> Sequence[DeviceCode]:
        """Return the undecided requests with this user code, locked."""
        found = await self._session.scalars(
            select(DeviceCode)
            .where(
                DeviceCode.user_code_hash.in_(user_code_hashes),
                DeviceCode.expires_at > now,
                DeviceCode.denied_at.is_(None),
                DeviceCode.grant_id.is_(None),
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return found.all()

    async def count_try(self, key_hash: bytes, now: datetime, window_begins: datetime) -> int:
        """Count one attempt under a row lock. Return the number of attempts in the window, including this
        one.
        """
        over = DeviceTries.since < window_begins
        statement = (
            insert(DeviceTries)
            .values(key_hash=key_hash, since=now, tries=1)
            .on_conflict_do_update(
                index_elements=[DeviceTries.key_hash],
                set_={
                    "since": case((over, now), else_=DeviceTries.since),
                    "tries": case((over, 1), else_=DeviceTries.tries + 1),
                },
            )
            .returning(DeviceTries.tries)
        )
        return int((await self._session.execute(statement)).scalar_one())

    async def take_back_try(self, key_hash: bytes) -> None:
        """Undo the count of an attempt with a correct code."""
        await self._session.execute(
            update(DeviceTries)
            .where(DeviceTries.key_hash == key_hash)
            .values(tries=DeviceTries.tries - 1)
            .execution_options(synchronize_session=False)
        )
