"""Of two processes that need one folder, one serves, and the other takes over without a refused request."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from servicekit.handover import WAITS
from testkit.backends.process import free_port
from testkit.waiting import SECONDS, moments

PROGRAM = Path(__file__).parent / "support" / "owner.py"


@dataclass
class Owner:
    """A process that is to own the folder."""

    process: asyncio.subprocess.Process
    url: str
    log: Path

    @property
    def id(self) -> str:
        """How it names itself."""
        return str(self.process.pid)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "facts").mkdir()
    return tmp_path / "facts"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        yield client


@asynccontextmanager
async def started(folder: Path, name: str) -> AsyncIterator[Owner]:
    """Start the program."""
    port, log = free_port(), folder.parent / name
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), str(folder), str(port), stdout=output, stderr=output
        )
    try:
        yield Owner(process, f"http://127.0.0.1:{port}", log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(holds: Callable[[], bool], what: str) -> None:
    async for _ in moments():
        if holds():
            return
    raise AssertionError(what)


def history(folder: Path) -> list[str]:
    """What the processes noted."""
    path = folder / "history"
    return path.read_text().splitlines() if path.exists() else []


async def reached(http: httpx.AsyncClient, *owners: Owner) -> str:
    """Ask as a gateway does, which tries the next address if a connection fails."""
    for owner in owners:
        try:
            return (await http.get(owner.url)).raise_for_status().text
        except httpx.TransportError:
            continue
    raise AssertionError("no process listens")


async def refuses(owner: Owner) -> bool:
    """Return whether a process no longer takes connections."""
    async with httpx.AsyncClient() as client:
        try:
            await client.get(owner.url)
        except httpx.TransportError:
            return True
    return False


async def test_requests_wait_until_the_process_before_has_ended(
    folder: Path, http: httpx.AsyncClient
) -> None:
    async with started(folder, "first") as first, started(folder, "second") as second:
        await until(lambda: bool(history(folder)), "nobody serves")
        if history(folder) == [f"{second.id} owns"]:
            first, second = second, first
        await until(lambda: WAITS in second.log.read_text(), "the second does not wait")
        assert await reached(http, second, first) == first.id

        slow = asyncio.create_task(http.get(f"{first.url}/wait"))
        await until(lambda: f"{first.id} waits" in history(folder), "the request does not arrive")
        first.process.send_signal(signal.SIGTERM)
        asked: list[asyncio.Task[str]] = []
        async for _ in moments():
            asked.append(asyncio.create_task(reached(http, first, second)))
            if (await refuses(first)) and len(asked) >= 20:
                break
        assert not slow.done()
        assert not all(answer.done() for answer in asked)
        (folder / "go").touch()

        assert (await slow).text == first.id
        answers = [await answer for answer in asked]
        assert set(answers) <= {first.id, second.id}
        assert answers[-1] == second.id
        assert await first.process.wait() == 0
        assert history(folder)[-2:] == [f"{first.id} ends", f"{second.id} owns"]


async def test_a_killed_process_is_succeeded_by_the_one_that_waits(
    folder: Path, http: httpx.AsyncClient
) -> None:
    async with started(folder, "first") as first:
        await until(lambda: bool(history(folder)), "nobody serves")
        async with started(folder, "second") as second:
            await until(lambda: WAITS in second.log.read_text(), "the second does not wait")
            first.process.kill()
            await until(lambda: f"{second.id} owns" in history(folder), "nobody takes over")
            async for _ in moments():
                if not await refuses(second):
                    break
            assert await reached(http, second) == second.id


async def test_a_process_that_waits_can_be_stopped(folder: Path) -> None:
    async with started(folder, "first"):
        await until(lambda: bool(history(folder)), "nobody serves")
        async with started(folder, "second") as second:
            await until(lambda: WAITS in second.log.read_text(), "the second does not wait")
            second.process.send_signal(signal.SIGTERM)
            assert await second.process.wait() == 0
            assert len(history(folder)) == 1
