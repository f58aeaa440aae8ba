"""Run a command of a service in another setting: `python -m bench.common.service [OPTIONS] SERVICE serve`.

With `--late`, the service's own clock and `time.time()` are late by so many seconds. What C code asks the
system for is not: identifiers, and the times of log records. With `--heartbeat`, another worker takes over
the jobs of a dead one after so many seconds instead of half a minute, for runs that kill workers and wait.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module

from jobs import worker
from servicekit import clock


def be_late(seconds: float) -> None:
    """Put the clocks back."""
    real, by = time.time, timedelta(seconds=seconds)

    class LateClock(clock.SystemClock):
        """The system clock, late."""

        def now(self) -> datetime:
            return datetime.now(UTC) - by

    time.time = lambda: real() - seconds
    # Before the modules that take it from there.
    clock.SystemClock = LateClock  # type: ignore[misc]


def take_over_after(seconds: float) -> None:
    """Have workers look for jobs of dead ones after `seconds`."""

    @dataclass(frozen=True)
    class QuickPace(worker.Pace):
        """The pace of workers, with other defaults."""

        heartbeat: float = seconds
        poll: float = seconds / 4

    worker.Pace = QuickPace  # type: ignore[misc]


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.common.service", description=__doc__)
    parser.add_argument("--late", type=float, default=0.0)
    parser.add_argument("--heartbeat", type=float)
    parser.add_argument("service")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    if given.late:
        be_late(given.late)
    if given.heartbeat:
        take_over_after(given.heartbeat)
    status: int = import_module(f"{given.service}.cli").run(given.command)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
