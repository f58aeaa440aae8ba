"""Rates and percentiles of rounds of load."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Round:
    """The result of one round: requests per second, latencies in milliseconds."""

    rate: float
    p50: float
    p99: float
    requests: int = 0
    cpu: tuple[float, float] = (0.0, 0.0)
    """Processor time of one request in the server and in PostgreSQL, in µs."""

    @classmethod
    def of(cls, durations: Sequence[float], seconds: float) -> Self:
        """Return the round of requests with `durations`, in seconds, within `seconds`."""
        return cls(
            len(durations) / seconds,
            percentile(durations, 0.5) * 1000,
            percentile(durations, 0.99) * 1000,
            len(durations),
        )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the quantile of `values` at `share`, which is between 0 and 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median_round(rounds: Sequence[Round]) -> Round:
    """Return the round with the median rate (the lower one of two)."""
    ordered = sorted(rounds, key=lambda one: one.rate)
    return ordered[(len(ordered) - 1) // 2]


def spread(rounds: Sequence[Round]) -> str:
    """Return the median rate and the rates of all rounds as a text for the terminal."""
    rates = [one.rate for one in rounds]
    return f"{statistics.median(rates):.0f} ({', '.join(f'{rate:.0f}' for rate in rates)})"
