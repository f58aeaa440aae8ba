"""Queries for documents and agreements."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import PolicyKind
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
        """Insert an agreement unless there is one; one that was withdrawn counts again."""
        values = {"account_id": sub, "kind": document.kind, "version": document.version, "at": now}
        await self._session.execute(
            insert(Agreement)
            .values(**values)
            .on_conflict_do_update(
                index_elements=[Agreement.account_id, Agreement.kind, Agreement.version],
                set_={"at": now, "withdrawn_at": None},
                where=Agreement.withdrawn_at.is_not(None),
            )
        )

    async def withdraw(self, sub: UUID, kinds: Sequence[PolicyKind], now: datetime) -> int:
        """Let a person's agreements to documents count no more. Return how many counted."""
        changed = await self._session.execute(
            update(Agreement)
            .where(
                Agreement.account_id == sub,
                Agreement.kind.in_(list(kinds)),
                Agreement.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=now)
            .returning(Agreement.kind)
        )
        return len(changed.all())

    async def bulk_insert(self, people: Sequence[UUID], documents: Sequence[Document], now: datetime) -> None:
        """Insert the agreements of many people."""
        rows = [
            {"account_id": sub, "kind": one.kind, "version": one.version, "at": now}
            for sub in people
            for one in documents
        ]
        await self._session.execute(insert(Agreement), rows)

    async def of(self, sub: UUID) -> Sequence[Agreement]:
        """Return a person's agreements, oldest first."""
        statement = select(Agreement).where(Agreement.account_id == sub)
        return (await self._session.scalars(statement.order_by(Agreement.at, Agreement.kind))).all()
