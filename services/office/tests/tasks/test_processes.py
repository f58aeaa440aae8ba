"""Several processes serve browsers; one of them is killed or stopped."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx

from contracts.vocabulary import Role
from services.office.tests.support import serve
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.streams import SECONDS, Browser, browser
from services.office.tests.support.tasks import opened, to_unit
from testkit.backends.process import free_port

COUNTY = "370102"
TASKS = 60


@asynccontextmanager
async def process(office: RunningOffice) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Office in a process of its own, on the same database; its address."""
    port = free_port()
    url = office.database.engine.url.render_as_string(hide_password=False)
    started = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(serve.__file__)), url, str(port), json.dumps(office.tokens.jwks())
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:
            await until_true(lambda: _serves(client, address, started))
        yield started, address
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def _serves(client: httpx.AsyncClient, address: str, started: asyncio.subprocess.Process) -> bool:
    assert started.returncode is None
    try:
        return (await client.get(f"{address}/livez")).status_code == 200
    except httpx.TransportError:
        return False


async def until_true(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look until something holds."""
    async with asyncio.timeout(SECONDS):
        while not await holds():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)


async def test_a_killed_process_costs_no_browser_a_task(office: RunningOffice) -> None:
    """Tasks are opened without a pause; the browsers of the killed process come back to the other one."""
    tokens = [office.token(COUNTY, Role.HANDLER) for _ in range(5)]
    made: list[str] = []

    async def busy(count: int) -> None:
        for _ in range(count):
            task = await opened(office, to_unit(office, COUNTY))
            made.append(str(task))

    async def first_here_then_there(token: str, addresses: list[str]) -> list[str]:
        heard: list[str] = []
        last_id: str | None = None
        for address in addresses:
            async with browser(address, token, last_id) as one:
                await one.until(partial(_done_after, len(heard)))
            heard.extend(task for _, task in one.tasks())
            last_id = one.last_id
            assert one.named("reset") == []
        return heard

    async with process(office) as (first, address), process(office) as (_, other):
        listening = [asyncio.create_task(first_here_then_there(token, [address, other])) for token in tokens]
        # A browser that has not connected yet hears only of what happens later.
        async with httpx.AsyncClient() as client:
            await until_true(lambda: _connected(client, address, len(tokens)))
        working = asyncio.create_task(busy(TASKS))

        async def some_made() -> bool:
            return len(made) >= TASKS // 3

        await until_true(some_made)
        first.send_signal(signal.SIGKILL)
        await working
        for heard in await asyncio.gather(*listening):
            assert heard == made


def _done_after(before: int, one: Browser) -> bool:
    """Whether the connection has ended or all tasks have come, with those `before` it."""
    return one.ended or before + len(one.tasks()) >= TASKS


async def _connected(client: httpx.AsyncClient, address: str, streams: int) -> bool:
    """Whether so many browsers are connected there."""
    return f"zhuxue_office_streams {streams}.0" in (await client.get(f"{address}/metrics")).text


async def test_a_stopped_process_ends_its_streams_at_once(office: RunningOffice) -> None:
    async with process(office) as (stopped, address):
        async with browser(address, office.token(COUNTY, Role.HANDLER)) as one:
            await one.hears("ready")
            stopped.send_signal(signal.SIGTERM)
            assert await one.hears("end") == {"reason": "shutdown"}
            await one.until(lambda heard: heard.ended)
        # Well before the time after which uvicorn cuts off what is open.
        async with asyncio.timeout(15):
            await stopped.wait()
