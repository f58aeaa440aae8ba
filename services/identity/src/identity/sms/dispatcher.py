"""Sends text messages after the commit of the transaction that wrote them.

A message is claimed by one statement on a lane, sent outside of any transaction, and marked by another. If a
process crashes in between, the lease expires and another process sends the message a minute later. The
gateway can therefore receive a message twice, with the same `Idempotency-Key`.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from identity.sms.errors import SmsRefused, SmsUnavailable
from identity.sms.gateway import SmsGateway
from identity.sms.repository import SmsRepository
from identity.sms.rules import RETRY, SEALED_FOR, GatewayHealth
from identity.vault import Vault
from servicekit.background import repeated
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("sms")

MESSAGES = Counter("zhuxue_sms_messages_total", "Attempts to send a text message", ["outcome"])
for _outcome in ("sent", "retried", "dead"):
    # Prometheus sees no increase in a series that begins with one.
    MESSAGES.labels(_outcome)
AT_ONCE = 32
# Limit of lanes for marking, because they are for requests.
_MARKING = 2


@dataclass(frozen=True)
class _Claimed:
    id: UUID
    sealed: bytes
    attempts: int
    expires_at: datetime


class SmsDispatcher:
    """Sends due messages, `AT_ONCE` at a time; `drain` runs once."""

    def __init__(
        self, database: Database, vault: Vault, gateway: SmsGateway, clock: Clock, *, poll_seconds: float = 1
    ) -> None:
        self.gateway = gateway
        self._database = database
        self._vault = vault
        self._clock = clock
        self._poll = poll_seconds
        self._health = GatewayHealth()
        self._woken = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._marking = asyncio.Semaphore(_MARKING)
        self._sending: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for messages now, because one was committed."""
        self._woken.set()

    def gateway_down(self) -> bool:
        """Return whether the gateway is down, so that a new message would be delayed."""
        return self._health.down(self._clock.now())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Dispatch in the background while the context is active, then close the gateway.

        Polls for messages committed by other processes and for due retries.
        """
        try:
            async with repeated("sms", self._round, every=self._poll, wake=self._woken):
                yield
        finally:
            if self._sending:
                # Wait until messages in flight are marked, so that they are not sent again.
                await asyncio.wait(self._sending)
            await self.gateway.close()

    async def drain(self) -> None:
        """Try every due message. Return when each was tried."""
        while await self._start_due():
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
        while self._sending:
            await asyncio.wait(self._sending)

    async def caught_up(self) -> None:
        """Return when every message committed by this process was tried."""
        if self._woken.is_set() or self._claiming.locked() or self._sending:
            await self.drain()

    async def _round(self) -> float | None:
        if not await self._start_due():
            return None
        await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
        return 0.0

    async def _start_due(self) -> bool:
        """Start sending due messages; a slow message does not delay the others.

        Returns whether more messages than could be started may be due.
        """
        async with self._claiming:
            free = AT_ONCE - len(self._sending)
            claimed = await self._claim(free)
            for message in claimed:
                task = asyncio.create_task(self._deliver(message), name="sms")
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
            return len(claimed) == free

    async def _claim(self, limit: int) -> list[_Claimed]:
        async with self._database.lanes.single() as lane:
            return [
                _Claimed(row.id, row.sealed, row.attempts, row.expires_at)
                for row in await SmsRepository(lane).claim(self._clock.now(), limit)
            ]

    async def _deliver(self, message: _Claimed) -> None:
        try:
            await self._send(message)
        except Exception:
            # The message is retried after its lease expires.
            log.warning("sms not marked", exc_info=True)

    async def _send(self, message: _Claimed) -> None:
        now = self._clock.now()
        if now >= message.expires_at:
            await self._give_up(message, "expired")
            return
        phone, text = json.loads(self._vault.open(SEALED_FOR, message.sealed))
        try:
            await self.gateway.send(phone, text, key=str(message.id))
        except SmsRefused as refused:
            self._health.taken()
            await self._give_up(message, str(refused))
        except SmsUnavailable as unavailable:
            self._health.failed(message.id, now)
            MESSAGES.labels("retried").inc()
            error = type(unavailable.__cause__ or unavailable).__name__
            async with self._rows() as rows:
                await rows.retry(message.id, now + timedelta(seconds=RETRY.delay(message.attempts)), error)
        else:
            self._health.taken()
            MESSAGES.labels("sent").inc()
            async with self._rows() as rows:
                await rows.sent(message.id, self._clock.now())

    async def _give_up(self, message: _Claimed, error: str) -> None:
        log.error("sms given up", message=str(message.id), error=error)
        MESSAGES.labels("dead").inc()
        async with self._rows() as rows:
            await rows.dead(message.id, self._clock.now(), error)

    @contextlib.asynccontextmanager
    async def _rows(self) -> AsyncIterator[SmsRepository]:
        async with self._marking, self._database.lanes.single() as lane:
            yield SmsRepository(lane)
