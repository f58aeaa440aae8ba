"""Threads for blocking calls, with a bound on the number of waiting calls."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cockpit.analytics.errors import AnalyticsBusy

T = TypeVar("T")


class Lane:
    """Run up to `threads` calls at a time; at most `queue` more wait, each at most `wait_seconds`."""

    def __init__(self, name: str, *, threads: int, queue: int, wait_seconds: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"analytics-{name}")
        self._free = asyncio.Semaphore(threads)
        self._waiting = 0
        self._queue = queue
        self._wait_seconds = wait_seconds

    async def run(self, call: Callable[[], T], *, patient: bool = False) -> T:
        """Run `call` in a thread. Raises `AnalyticsBusy`, except for a `patient` call, which waits."""
        if not patient and self._free.locked() and self._waiting >= self._queue:
            raise AnalyticsBusy
        self._waiting += 1
        try:
            async with asyncio.timeout(None if patient else self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise AnalyticsBusy from None
        finally:
            self._waiting -= 1
        loop = asyncio.get_running_loop()
        try:
            running = self._executor.submit(call)
        except BaseException:
            self._free.release()
            raise

        def free(_: object) -> None:
            # The thread becomes free when the call ends, even if its caller was cancelled earlier.
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._free.release)

        running.add_done_callback(free)
        return await asyncio.wrap_future(running)

    async def close(self) -> None:
        """Wait for running calls to end, and cancel waiting ones."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)
