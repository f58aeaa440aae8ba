"""Run a command of a service whose clock is late: `python -m bench.chaos.late SECONDS SERVICE serve`.

The service's own clock and `time.time()` are late. What C code asks the system for is not: identifiers, and
the times of log records.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module

from servicekit import clock


def main(late: float, service: str, arguments: list[str]) -> int:
    """Put the clocks back and run the command; returns its exit status."""
    real, by = time.time, timedelta(seconds=late)

    class LateClock(clock.SystemClock):
        """The system clock, late."""

        def now(self) -> datetime:
            return datetime.now(UTC) - by

    time.time = lambda: real() - late
    # Before the modules that take it from there.
    clock.SystemClock = LateClock  # type: ignore[misc]
    status: int = import_module(f"{service}.cli").run(arguments)
    return status


if __name__ == "__main__":
    raise SystemExit(main(float(sys.argv[1]), sys.argv[2], sys.argv[3:]))
