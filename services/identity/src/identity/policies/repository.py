"""Queries for documents and agreements."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.policies.models import Agreement, PolicyVersion
from identity.policies.rules import Document


class PolicyRepository:
    """Versions, and agreements by account."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def publish(self, document: Document, now: datetime) -> str:
        """Store a version if it is new. Return the text that is stored under it."""
        values = {"kind": document.kind, "version": document.version, "text": document.text}
        await self._session.execute(
            insert(PolicyVersion).values(**values, published_at=now).on_conflict_do_nothing()
        )
        stored = await self._session.get(PolicyVersion, (document.kind, document.version))
        assert stored is not None
        return stored.text

    async def agree(self, sub: UUID, document: Document, now: datetime) -> None:
        """Insert an agreement unless there is one."""
        values = {"account_id": sub, "kind": document.kind, "version": document.version, "at": now}
        await self._session.execute(insert(Agreement).values(**values).on_conflict_do_nothing())

    async def of(self, sub: UUID) -> Sequence[Agreement]:
        """Return a person's agreements, oldest first."""
        statement = select(Agreement).where(Agreement.account_id == sub)
        return (await self._session.scalars(statement.order_by(Agreement.at, Agreement.kind))).all()
