"""What one request of each kind of the morning costs, one after another and without a queue."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from bench.common.http_client import Browser
from bench.common.statistics import percentile
from bench.office.morning import N, Served
from office.directory.models import Unit
from office.notices.models import Notice

_WARM: Final = 20
"""Requests before the measurement: each process imports, connects and prepares at its first ones."""


async def each(
    served: Served, notice: Notice, schools: Sequence[Unit], tops: Sequence[Unit], runs: int
) -> list[list[str]]:
    """Return a row for each kind: the CPU of the servers and of PostgreSQL, and the times.

    A signature needs a school of its own: `schools` has as many as `runs` and some to warm up.
    """
    path = f"{N}/{notice.id}"
    kinds: list[tuple[str, str, str, Callable[[int], Unit]]] = [
        ("sign", "POST", f"{path}/sign", lambda number: schools[number]),
        ("read", "POST", f"{path}/read", lambda number: schools[number]),
        ("inbox, 20 of all", "GET", f"{N}/inbox?limit=20", lambda number: schools[number % len(schools)]),
        ("tasks, 20 of all", "GET", "/api/v1/tasks?limit=20", lambda number: schools[number]),
        ("coverage", "GET", f"{path}/coverage", lambda number: tops[number % len(tops)]),
    ]
    rows = []
    for kind, method, url, unit_of in kinds:
        browsers = [Browser("127.0.0.1", port) for port in served.ports]
        times, before = list[float](), served.processors()
        tokens = [served.tokens.of(unit_of(number)) for number in range(_WARM + runs)]
        for number, token in enumerate(tokens):
            if number == _WARM:
                before = served.processors()
                times.clear()
            browser, begun = browsers[number % len(browsers)], time.perf_counter()
            if method == "GET":
                answer = await browser.get(url, token)
            else:
                answer = await browser.post(url, {}, token)
            times.append((time.perf_counter() - begun) * 1000)
            assert answer.status in {200, 201}, answer.body
        for browser in browsers:
            browser.close()
        # The relay and the hub work after the answers.
        await served.settled()
        python, postgres = (
            (now - then) * 1000 / runs for now, then in zip(served.processors(), before, strict=True)
        )
        rows.append(
            [
                f"one {kind}: CPU of servers + PostgreSQL",
                (
                    f"{python:.2f} + {postgres:.2f} ms (p50 {percentile(times, 0.5):,.1f} ms,"
                    f" p99 {percentile(times, 0.99):,.1f} ms)"
                ),
            ]
        )
    return rows
