"""Loops of a process: they survive failures, can be woken, and end with their context."""

import asyncio
from contextvars import ContextVar

from servicekit.background import repeated
from servicekit.retry import RetryPolicy


class Calls:
    def __init__(self, failures: int = 0, wanted: float | None = None) -> None:
        self.count = 0
        self.failures = failures
        self.wanted = wanted
        self.seen = asyncio.Condition()

    async def __call__(self) -> float | None:
        async with self.seen:
            self.count += 1
            self.seen.notify_all()
        if self.count <= self.failures:
            raise ConnectionError("refused")
        return self.wanted

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30), self.seen:
            await self.seen.wait_for(lambda: self.count >= count)


async def test_a_loop_runs_at_once_and_again() -> None:
    calls = Calls()
    async with repeated("test", calls, every=0.01):
        await calls.until(3)
    count = calls.count
    await asyncio.sleep(0.05)
    assert calls.count == count


async def test_woken_runs_that_take_long_are_further_apart_than_others() -> None:
    wake, ran, begun = asyncio.Event(), asyncio.Event(), list[float]()
    loop = asyncio.get_running_loop()

    async def call() -> None:
        begun.append(loop.time())
        await asyncio.sleep(0.02)
        ran.set()

    async with asyncio.timeout(30), repeated("test", call, every=60, wake=wake, apart=0.001):
        for _ in range(2):
            wake.set()
            await ran.wait()
            ran.clear()
    assert begun[1] - begun[0] >= 0.2


_whose: ContextVar[str] = ContextVar("whose", default="nobody")


async def test_a_run_has_nothing_of_the_context_in_which_it_was_started_or_woken() -> None:
    seen, wake, ran = list[str](), asyncio.Event(), asyncio.Event()

    async def call() -> None:
        seen.append(_whose.get())
        ran.set()

    _whose.set("a request")
    async with asyncio.timeout(30), repeated("test", call, every=60, wake=wake):
        for _ in range(2):
            await ran.wait()
            ran.clear()
            wake.set()
    assert seen == ["nobody"] * 2


async def test_a_failed_run_is_repeated_after_its_own_delay() -> None:
    calls = Calls(failures=2)
    async with repeated("test", calls, every=60, retry=RetryPolicy(base=0.01)):
        await calls.until(3)
        await asyncio.sleep(0.05)
    assert calls.count == 3


async def test_a_run_can_say_when_the_next_one_is_due() -> None:
    calls = Calls(wanted=0.01)
    async with repeated("test", calls, every=60):
        await calls.until(3)


async def test_a_loop_can_be_woken() -> None:
    calls, wake = Calls(), asyncio.Event()
    async with repeated("test", calls, every=60, wake=wake):
        await calls.until(1)
        wake.set()
        await calls.until(2)


async def test_the_first_run_can_wait() -> None:
    calls = Calls()
    async with repeated("test", calls, every=60, first=60):
        await asyncio.sleep(0.05)
    assert calls.count == 0


async def test_leaving_the_context_cancels_the_run() -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with repeated("test", hang, every=60):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert ended.is_set()
