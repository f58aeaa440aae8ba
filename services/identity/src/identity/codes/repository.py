"""Queries for SMS codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.codes import statements
from identity.codes.models import SmsCode, TextChallenge
from identity.codes.rules import Budget
from servicekit.ids import new_id
from servicekit.lane_sessions import runner_of

_COLUMNS = tuple(SmsCode.__table__.columns.keys())


@dataclass(frozen=True)
class Spent:
    """A budget that does not allow another code."""

    used: int
    ends_at: datetime


class CodeRepository:
    """Codes by number and browser, and budgets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._runner = runner_of(session)

    async def serialise(self, ticket_hash: bytes) -> None:
        """Serialize requests of one browser until the transaction ends."""
        key = int.from_bytes(ticket_hash[:8], "big", signed=True)
        await self._runner.ahead(statements.SERIALISE, {"key": key})

    async def latest(
        self,
        phone_indexes: Sequence[bytes],
        ticket_hashes: Sequence[bytes],
        purpose: str,
        *,
        lock: bool = False,
    ) -> SmsCode | None:
        """Return the newest code of one purpose sent to a number for a browser.

        Number and browser are given by their indexes under the keys in use.
        """
        values = {"phones": list(phone_indexes), "tickets": list(ticket_hashes), "purpose": purpose}
        found = await self._runner.first(statements.LATEST_LOCKED if lock else statements.LATEST, values)
        return None if found is None else SmsCode(**{name: getattr(found, name) for name in _COLUMNS})

    async def tried(self, code: SmsCode) -> None:
        """Write what an attempt at a code has changed."""
        values = {"code": code.id, "tries": code.attempts, "redeemed_at": code.used_at}
        await self._runner.ahead(statements.TRIED, values)

    async def spend(self, budget: Budget, now: datetime, *, up_to: int) -> Spent | None:
        """Count one code. If `up_to` are used in this window already, count nothing and return the state."""
        refused = await self.spend_all([(budget, up_to)], now)
        return None if refused is None else refused[1]

    async def spend_all(
        self,
        budgets: Sequence[tuple[Budget, int]],
        now: datetime,
        *,
        shared: tuple[Budget, int] | None = None,
    ) -> tuple[Budget, Spent] | None:
        """Count one code in budgets of different kinds, each with the number up to which it may be used.

        Return the first one that is used up, after which the caller undoes what the others counted. One
        statement, which locks the rows in this order until the transaction ends, so that concurrent requests
        cannot exceed a budget. The `shared` one comes last, and only if no other is used up.
        """
        last, most = (None, None) if shared is None else shared
        values = {
            "kinds": [budget.kind for budget, _ in budgets],
            "keys": [budget.key for budget, _ in budgets],
            "ends": [now + budget.window for budget, _ in budgets],
            "limits": [up_to for _, up_to in budgets],
            "shared_kind": last and last.kind,
            "shared_key": last and last.key,
            "shared_end": last and now + last.window,
            "shared_limit": most,
            "now": now,
        }
        counted = {row.kind for row in await self._runner.all(statements.SPEND, values)}
        for budget, up_to in [*budgets, *([] if shared is None else [shared])]:
            if budget.kind not in counted:
                return budget, await self._state(budget) or Spent(up_to, now)
        return None

    async def _state(self, budget: Budget) -> Spent | None:
        found = await self._runner.first(statements.BUDGET, {"kind": budget.kind, "key": budget.key})
        return None if found is None else Spent(found.used, found.ends_at)

    async def spent(self, budget: Budget, now: datetime) -> bool:
        """Return whether a budget is used up."""
        found = await self._state(budget)
        return found is not None and found.ends_at > now and found.used >= budget.limit

    async def forget(self, budget: Budget) -> None:
        """Begin a budget anew."""
        await self._runner.ahead(statements.FORGET, {"kind": budget.kind, "key": budget.key})

    async def open_challenge(
        self, text_hash: bytes, ticket_hash: bytes, purpose: str, expires_at: datetime
    ) -> UUID | None:
        """Insert a challenge and return its id; None if another one waits for the same text."""
        row = pg_insert(TextChallenge).values(
            id=new_id(),
            text_hash=text_hash,
            ticket_hash=ticket_hash,
            purpose=purpose,
            expires_at=expires_at,
        )
        found: UUID | None = await self._session.scalar(
            row.on_conflict_do_nothing(index_elements=[TextChallenge.text_hash]).returning(TextChallenge.id)
        )
        return found

    async def challenge(self, challenge_id: UUID) -> TextChallenge | None:
        """Return a challenge by id."""
        return await self._session.get(TextChallenge, challenge_id)

    async def challenge_by_text(self, text_hashes: Sequence[bytes]) -> TextChallenge | None:
        """Return the challenge that waits for a text from a number, locked."""
        found: TextChallenge | None = await self._session.scalar(
            select(TextChallenge).where(TextChallenge.text_hash.in_(text_hashes)).with_for_update()
        )
        return found

    async def add(self, code: SmsCode) -> None:
        """Insert a code."""
        await self._runner.ahead(statements.ADD, statements.parameters(code))
