"""How often a failed attempt is repeated, and how long to wait in between."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """At most `limit` attempts; `base` seconds after the first, then `factor` times longer, at most `cap`."""

    limit: int = 8
    base: float = 0.5
    cap: float = 30.0
    factor: float = 2.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the failed `attempt` (1 is the first)."""
        # The number of attempts may be unbounded; the exponent must stay within a float.
        return min(self.cap, self.base * self.factor ** min(attempt - 1, 64))

    @property
    def delays(self) -> list[float]:
        """Every delay that `delay` returns, ascending."""
        steps = {self.delay(attempt) for attempt in range(1, self.limit)}
        return sorted(steps | {self.cap})
