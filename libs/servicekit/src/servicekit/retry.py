"""Retry policies: the number of attempts and the delays between them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """At most `limit` attempts; the delay is `base` seconds, then multiplied by `factor` up to `cap`."""

    limit: int = 8
    base: float = 0.5
    cap: float = 30.0
    factor: float = 2.0

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after the failed `attempt` (the first is 1)."""
        # The number of attempts may be unlimited, so the exponent is bounded to avoid a float overflow.
        return min(self.cap, self.base * self.factor ** min(attempt - 1, 64))

    @property
    def delays(self) -> list[float]:
        """Return all delays that `delay` can return, ascending."""
        steps = {self.delay(attempt) for attempt in range(1, self.limit)}
        return sorted(steps | {self.cap})
