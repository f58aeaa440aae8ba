"""Queries for SMS codes."""

from datetime import datetime

from sqlalchemy import case, or_, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.codes.models import CodeBudget, SmsCode
from identity.codes.rules import Budget


class CodeRepository:
    """Codes by number, and budgets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def serialise(self, phone_index: bytes) -> None:
        """Serialize requests for one number until the transaction ends."""
        key = int.from_bytes(phone_index[:8], "big", signed=True)
        await self._session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    async def latest(self, phone_index: bytes, purpose: str, *, lock: bool = False) -> SmsCode | None:
        """Return the newest code for a number and purpose."""
        statement = (
            select(SmsCode)
            .where(SmsCode.phone_index == phone_index, SmsCode.purpose == purpose)
            .order_by(SmsCode.sent_at.desc())
            .limit(1)
        )
        found: SmsCode | None = await self._session.scalar(statement.with_for_update() if lock else statement)
        return found

    async def spend(self, budget: Budget, now: datetime) -> datetime | None:
        """Count one code. If the budget is exhausted, count nothing and return the end of its window.

        One statement, which locks the row until the transaction ends, so that concurrent requests cannot
        exceed the budget.
        """
        window = pg_insert(CodeBudget).values(
            kind=budget.kind, key=budget.key, used=1, ends_at=now + budget.window
        )
        ended = CodeBudget.ends_at <= now
        counted = await self._session.scalar(
            window.on_conflict_do_update(
                index_elements=[CodeBudget.kind, CodeBudget.key],
                set_={
                    "used": case((ended, 1), else_=CodeBudget.used + 1),
                    "ends_at": case((ended, window.excluded.ends_at), else_=CodeBudget.ends_at),
                },
                where=or_(ended, CodeBudget.used < budget.limit),
            ).returning(CodeBudget.used)
        )
        if counted is not None:
            return None
        ends_at: datetime | None = await self._session.scalar(
            select(CodeBudget.ends_at).where(CodeBudget.kind == budget.kind, CodeBudget.key == budget.key)
        )
        return ends_at or now

    def add(self, code: SmsCode) -> None:
        """Insert a code."""
        self._session.add(code)
