"""Queries for consents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.models import Client
from identity.consents.models import Consent
from identity.grants.models import Grant
from servicekit.ids import new_id


class ConsentRepository:
    """Consents by person and client."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def live(self, account_id: UUID, client_id: str, *, lock: bool = False) -> Consent | None:
        """Return the active consent."""
        query = select(Consent).where(
            Consent.account_id == account_id, Consent.client_id == client_id, Consent.withdrawn_at.is_(None)
        )
        found: Consent | None = await self._session.scalar(query.with_for_update() if lock else query)
        return found

    async def insert(
        self, account_id: UUID, client_id: str, scopes: list[str], resources: list[str], now: datetime
    ) -> bool:
        """Insert a consent. Return False if there is an active one."""
        row = await self._session.execute(
            insert(Consent)
            .values(
                id=new_id(),
                account_id=account_id,
                client_id=client_id,
                scopes=scopes,
                resources=resources,
                granted_at=now,
            )
            .on_conflict_do_nothing()
            .returning(Consent.id)
        )
        return row.first() is not None

    async def of(self, account_id: UUID) -> Sequence[tuple[Consent, Client]]:
        """Return active consents, latest first."""
        rows = await self._session.execute(
            select(Consent, Client)
            .join(Client, Client.client_id == Consent.client_id)
            .where(Consent.account_id == account_id, Consent.withdrawn_at.is_(None))
            .order_by(Consent.granted_at.desc())
        )
        return list(rows)

    async def revoke_grants(self, account_id: UUID, client_id: str, now: datetime) -> list[UUID]:
        """Revoke the client's grants of the person. Return the ids of the grants."""
        return list(
            await self._session.scalars(
                update(Grant)
                .where(
                    Grant.account_id == account_id, Grant.client_id == client_id, Grant.revoked_at.is_(None)
                )
                .values(revoked_at=now)
                .returning(Grant.id)
            )
        )
