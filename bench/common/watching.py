"""What requests take in the database, in the server's process, and altogether, one after another."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Connection, event

from bench.common.statistics import percentile
from bench.common.tables import table


@dataclass
class Watch:
    """Adds up the seconds that statements take."""

    seconds: float = 0.0
    began: list[float] = field(default_factory=list)

    def attach(self, app: FastAPI) -> None:
        """Watch the application's engine."""
        engine = app.state.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)

    def _before(self, _connection: Connection, *_: Any) -> None:
        self.began.append(time.perf_counter())

    def _after(self, _connection: Connection, *_: Any) -> None:
        self.seconds += time.perf_counter() - self.began.pop()


def computed(process: int) -> float:
    """Return the milliseconds that a process has computed so far."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e6


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one kind of request."""

    name: str
    database: Sequence[float]
    cpu: Sequence[float]
    """Of the server process: does not depend on what else the machine does."""
    whole: Sequence[float]


def rows_of(found: Sequence[Measured]) -> list[str]:
    """Return the lines of a table."""
    rows = [
        (
            one.name,
            *(f"{percentile(one.database, share):.1f}" for share in (0.5, 0.99)),
            f"{percentile(one.cpu, 0.99):.1f}",
            f"{percentile(one.whole, 0.99):.1f}",
        )
        for one in found
    ]
    heading = [
        "request",
        "database p50 (ms)",
        "database p99 (ms)",
        "server's CPU p99 (ms)",
        "whole request p99 (ms)",
    ]
    return table(heading, rows)


def slow_ones(found: Sequence[Measured], target: float) -> str:
    """Return how many kinds of request take longer than the target, in milliseconds."""
    slow = sum(percentile(one.database, 0.99) > target for one in found)
    busy = sum(percentile(one.cpu, 0.99) > target for one in found)
    return f"Above the target of {target:g} ms: {slow} of {len(found)}, by the server's CPU alone {busy}."
