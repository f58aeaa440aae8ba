"""The loop for repeated work in every process, such as refreshing a cache or relaying the outbox.

Work that runs in one process for all of them is a periodic task; work that must not be lost is a job (both in
`libs/jobs`).
"""

import asyncio
import contextlib
import contextvars
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from prometheus_client import Counter, Gauge

from servicekit.outages import unavailable
from servicekit.retry import RetryPolicy

log = structlog.get_logger("background")

RUNS = Counter("zhuxue_background_runs_total", "Runs of per-process loops", ["loop", "outcome"])
LAST_SUCCESS = Gauge(
    "zhuxue_background_last_success_timestamp_seconds",
    "When a per-process loop last succeeded",
    ["loop"],
    multiprocess_mode="max",
)

_RETRY = RetryPolicy(base=1.0, cap=30.0)
_SHARE = 10
_MOST_APART_SECONDS = 0.25


@contextlib.asynccontextmanager
async def repeated(
    name: str,
    call: Callable[[], Awaitable[float | None]],
    *,
    every: float,
    jitter: float = 0.1,
    first: float = 0.0,
    retry: RetryPolicy = _RETRY,
    wake: asyncio.Event | None = None,
    apart: float = 0.0,
) -> AsyncIterator[None]:
    """Run `call` repeatedly in the background until the context exits.

    The first run starts after `first` seconds, each further run `every` seconds (or the seconds that `call`
    returns) after the end of the previous one, varied by the share `jitter`. A failed run is logged, counted
    and repeated after the delay of `retry`, without a limit. `wake` starts the next run immediately, but
    `apart` seconds after the beginning of the previous one at the earliest, so that what many requests have
    left to do is done together. On a busy machine a run takes longer, and woken runs are further apart, up to
    a quarter of a second: they then take a tenth of the time instead of all of it. Leaving the context
    cancels the run. Runs have an empty context: no correlation id, actor or other variable of the caller.
    """
    loop = _loop(name, call, every, jitter, first, retry, wake, apart)
    task = asyncio.create_task(loop, name=name, context=contextvars.Context())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _loop(
    name: str,
    call: Callable[[], Awaitable[float | None]],
    every: float,
    jitter: float,
    first: float,
    retry: RetryPolicy,
    wake: asyncio.Event | None,
    apart: float,
) -> None:
    failures, begun, took = 0, -apart, 0.0
    pause = first
    while True:
        if pause > 0:
            await _pause(pause * random.uniform(1 - jitter, 1 + jitter), wake)
        if wake is not None and wake.is_set():
            await asyncio.sleep(max(0.0, begun + _distance(apart, took) - time.monotonic()))
        if wake is not None:
            wake.clear()
        begun = time.monotonic()
        try:
            wanted = await call()
        except Exception as error:  # the loop continues after any failure of `call`
            failures += 1
            pause = retry.delay(failures)
            RUNS.labels(name, "failed").inc()
            log.warning(
                "background run failed",
                loop=name,
                failures=failures,
                error=type(error).__name__,
                exc_info=failures == 1 and not unavailable(error),
            )
        else:
            failures = 0
            pause = every if wanted is None else wanted
            RUNS.labels(name, "succeeded").inc()
            LAST_SUCCESS.labels(name).set_to_current_time()
        took = time.monotonic() - begun


def _distance(apart: float, took: float) -> float:
    """Return the seconds from the beginning of a run that took `took` to that of the next one."""
    return 0.0 if apart == 0 else max(apart, min(took * _SHARE, _MOST_APART_SECONDS))


async def _pause(seconds: float, wake: asyncio.Event | None) -> None:
    if wake is None:
        await asyncio.sleep(seconds)
        return
    # Not `wait_for`: before Python 3.12 it loses a cancellation that coincides with the wake.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
