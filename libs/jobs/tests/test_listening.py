"""A worker that starts does not take its own start for a lost connection."""

import asyncio

import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.ports.driver import NotifyCallback

from jobs.kinds import Handler, State

from .jobs_service import IMPORT, Pages, Service


async def test_the_first_probe_waits_until_the_worker_listens(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    listen, notify = AsyncpgPoolDriver.add_listener, AsyncpgPoolDriver.notify
    probed = asyncio.Event()

    async def slow_listen(driver: AsyncpgPoolDriver, channel: str, callback: NotifyCallback) -> None:
        # A round trip on the other connection: a probe that does not wait is sent by then.
        for _ in range(5):
            await driver.fetch("SELECT 1")
        await listen(driver, channel, callback)
        order.append("listen")

    async def seen_notify(driver: AsyncpgPoolDriver, channel: str, payload: str) -> None:
        order.append("probe")
        await notify(driver, channel, payload)
        probed.set()

    monkeypatch.setattr(AsyncpgPoolDriver, "add_listener", slow_listen)
    monkeypatch.setattr(AsyncpgPoolDriver, "notify", seen_notify)
    async with service.worker(Handler(IMPORT, Pages().run)):
        await asyncio.wait_for(probed.wait(), 10)
        job = await service.enqueue(IMPORT, pages=1)
        await service.until(job, State.SUCCEEDED)
    assert order == ["listen", "probe"]
