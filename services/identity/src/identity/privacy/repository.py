"""Queries for exports, closings, and what is erased with an account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import JoinRequestStatus
from identity.accounts.models import Account
from identity.audit.models import AuditRecord
from identity.authenticators.models import Passkey, Password, RecoveryCode, Totp
from identity.joining.models import JoinRequest
from identity.member_changes.models import HandOver
from identity.memberships.models import Membership
from identity.phones.models import PhoneChange
from identity.policies.models import Agreement
from identity.privacy.models import AccountClosing, DataExport
from identity.privacy.rules import ERASED_AT_ONCE, MOST_ROWS
from identity.sessions.models import SignInRecord
from identity.units.models import Unit
from servicekit.words import inline

MOST_EXPORTS = 100
"""Of one person, the latest."""


class PrivacyRepository:
    """Rows of this feature, and a person's rows elsewhere."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: DataExport | AccountClosing) -> None:
        """Insert a row."""
        self._session.add(row)

    async def export(self, export_id: UUID, *, lock: bool = False) -> DataExport | None:
        """Return an export by id."""
        return await self._session.get(DataExport, export_id, with_for_update=lock or None)

    async def exports(self, sub: UUID) -> Sequence[DataExport]:
        """Return a person's exports, latest first."""
        statement = select(DataExport).where(DataExport.account_id == sub)
        return (
            await self._session.scalars(statement.order_by(DataExport.id.desc()).limit(MOST_EXPORTS))
        ).all()

    async def closing(self, sub: UUID, *, lock: bool = False) -> AccountClosing | None:
        """Return the open request to close an account."""
        statement = select(AccountClosing).where(
            AccountClosing.account_id == sub, AccountClosing.finished_at.is_(None)
        )
        if lock:
            statement = statement.with_for_update().execution_options(populate_existing=True)
        found: AccountClosing | None = await self._session.scalar(statement)
        return found

    async def due_closings(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Return the accounts whose time has come, the earliest first."""
        statement = (
            select(AccountClosing.account_id)
            .where(AccountClosing.finished_at.is_(None), AccountClosing.due_at <= now)
            .order_by(AccountClosing.due_at)
            .limit(limit)
        )
        return (await self._session.scalars(statement)).all()

    async def hand_over_open(self, sub: UUID) -> bool:
        """Return whether work of a person is being handed over."""
        statement = select(
            select(HandOver.id)
            .where(
                HandOver.membership_id.in_(select(Membership.id).where(Membership.account_id == sub)),
                HandOver.completed_at.is_(None),
            )
            .exists()
        )
        return bool(await self._session.scalar(statement))

    async def withdraw_requests(self, sub: UUID, now: datetime) -> None:
        """Withdraw a person's pending requests to join a unit."""
        rows = await self._session.scalars(
            select(JoinRequest)
            .where(JoinRequest.account_id == sub, JoinRequest.status == inline(JoinRequestStatus.PENDING))
            .order_by(JoinRequest.id)
            .with_for_update()
        )
        for row in rows.all():
            row.withdraw(now)

    async def erase(self, sub: UUID) -> None:
        """Delete a person's authenticators and exports."""
        for model in (RecoveryCode, Totp, Password, Passkey, DataExport):
            await self._session.execute(delete(model).where(model.account_id == sub))

    async def erase_sign_ins(self, sub: UUID) -> int:
        """Delete a part of a person's sign-in history. Return the number of rows."""
        some = select(SignInRecord.id).where(SignInRecord.account_id == sub).limit(ERASED_AT_ONCE)
        gone = await self._session.scalars(
            delete(SignInRecord).where(SignInRecord.id.in_(some)).returning(SignInRecord.id)
        )
        return len(gone.all())

    async def memberships(self, sub: UUID) -> Sequence[tuple[Membership, Unit]]:
        """Return all memberships of a person, ended ones too, oldest first."""
        statement = (
            select(Membership, Unit)
            .join(Unit, Unit.id == Membership.unit_id)
            .where(Membership.account_id == sub)
            .order_by(Membership.started_at)
            .limit(MOST_ROWS)
        )
        return list((await self._session.execute(statement)).all())

    async def join_requests(self, sub: UUID) -> Sequence[tuple[JoinRequest, Unit]]:
        """Return a person's requests to join a unit, oldest first."""
        statement = (
            select(JoinRequest, Unit)
            .join(Unit, Unit.id == JoinRequest.unit_id)
            .where(JoinRequest.account_id == sub)
            .order_by(JoinRequest.id)
            .limit(MOST_ROWS)
        )
        return list((await self._session.execute(statement)).all())

    async def phone_changes(self, sub: UUID) -> Sequence[PhoneChange]:
        """Return a person's changes of phone numbers, oldest first."""
        statement = select(PhoneChange).where(PhoneChange.account_id == sub).order_by(PhoneChange.id)
        return (await self._session.scalars(statement.limit(MOST_ROWS))).all()

    async def account(self, sub: UUID) -> Account:
        """Return an account."""
        return (await self._session.scalars(select(Account).where(Account.id == sub))).one()

    async def sign_ins(self, sub: UUID) -> Sequence[SignInRecord]:
        """Return a person's sign-ins, latest first."""
        statement = select(SignInRecord).where(SignInRecord.account_id == sub)
        return (
            await self._session.scalars(statement.order_by(SignInRecord.id.desc()).limit(MOST_ROWS))
        ).all()

    async def password(self, sub: UUID) -> Password | None:
        """Return a person's password."""
        return await self._session.get(Password, sub)

    async def totp(self, sub: UUID) -> Totp | None:
        """Return a person's TOTP secret."""
        return await self._session.get(Totp, sub)

    async def passkeys(self, sub: UUID) -> Sequence[Passkey]:
        """Return a person's passkeys, oldest first."""
        statement = select(Passkey).where(Passkey.account_id == sub).order_by(Passkey.id).limit(MOST_ROWS)
        return (await self._session.scalars(statement)).all()

    async def agreements(self, sub: UUID) -> Sequence[Agreement]:
        """Return a person's agreements, oldest first."""
        statement = select(Agreement).where(Agreement.account_id == sub).order_by(Agreement.at)
        return (await self._session.scalars(statement.limit(MOST_ROWS))).all()

    async def acts(self, sub: UUID) -> Sequence[Any]:
        """Return what was recorded about a person, latest first, except issued tokens."""
        statement = (
            select(AuditRecord.at, AuditRecord.action)
            .where(AuditRecord.target_id == str(sub), AuditRecord.action != "oauth.token_issued")
            .order_by(AuditRecord.id.desc())
            .limit(MOST_ROWS)
        )
        return (await self._session.execute(statement)).all()
