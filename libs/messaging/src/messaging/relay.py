"""The relay: claims outbox rows, publishes them, and deletes the rows that the bus has accepted.

Several relays of one service share the work (`FOR UPDATE SKIP LOCKED`). If a relay dies between
publishing and deleting, the rows are published again, and the inbox drops the duplicates.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import delete, func, select

from messaging.bus import Bus, Failure
from messaging.outbox import Outbox
from servicekit.background import repeated
from servicekit.db import Database
from servicekit.retry import RetryPolicy

# Rows wait while the database or the broker is unavailable.
_RETRY = RetryPolicy(base=1.0, cap=1.0)
# At 300 commits a second one round publishes some ten events: a round costs as much as two requests.
_APART_SECONDS = 0.05

log = structlog.get_logger("relay")

_ERROR_CHARACTERS = 2000


class Relay:
    """Moves events of one service from its outbox to the bus.

    Commits in this process wake it immediately; `poll_seconds` limits the delay of rows that another
    process committed and of due retries.
    """

    def __init__(
        self, database: Database, outbox: Outbox, bus: Bus, *, batch: int = 100, poll_seconds: float = 0.1
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._bus = bus
        self._batch = batch
        self._poll = poll_seconds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Read the outbox now."""
        self._wake.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay in the background until the context exits."""
        self._database.after_commit.append(self.wake)
        name = f"relay-{self._outbox.source}"
        try:
            async with repeated(
                name, self._drain, every=self._poll, retry=_RETRY, wake=self._wake, apart=_APART_SECONDS
            ):
                yield
        finally:
            self._database.after_commit.remove(self.wake)

    async def _drain(self) -> None:
        while await self.drain_once():
            pass

    async def drain_once(self) -> int:
        """Publish one batch of due rows; return the number of claimed rows."""
        row = self._outbox.row
        async with self._database.transaction() as session:
            due = (
                await session.scalars(
                    select(row)
                    .where(row.dead_at.is_(None), row.next_attempt_at <= func.now())
                    .order_by(row.seq)
                    .limit(self._batch)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            if not due:
                return 0
            done: list[int] = []
            for queue, rows in _by_queue(due).items():
                outcomes = await self._bus.publish([r.envelope() for r in rows], queue)
                for r, failure in zip(rows, outcomes, strict=True):
                    if failure is None or await self._gave_up(r, failure):
                        done.append(r.seq)
            if done:
                await session.execute(
                    delete(row).where(row.seq.in_(done)).execution_options(synchronize_session=False)
                )
        return len(due)

    async def _gave_up(self, row: Any, failure: Failure) -> bool:
        """Create dead letters if handlers have failed too often, else schedule the next attempt.

        Only failing handlers create dead letters: an unreachable broker is retried without limit.
        """
        policy = self._bus.policy
        row.attempts += 1
        row.last_error = failure.error[:_ERROR_CHARACTERS]
        if failure.queues and (failure.poison or row.attempts >= policy.limit):
            await self._bus.give_up(row.envelope(), failure, row.attempts)
            return True
        row.next_attempt_at = func.now() + timedelta(seconds=policy.delay(row.attempts))
        return False


def _by_queue(rows: Sequence[Any]) -> dict[str | None, list[Any]]:
    """Group rows by target queue (None: all subscriptions), in order."""
    groups: dict[str | None, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.queue, []).append(row)
    return groups
