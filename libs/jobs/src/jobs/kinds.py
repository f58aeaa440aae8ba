"""Declarations of a service: kinds of jobs with their handlers, and periodic tasks."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from croniter import croniter
from pydantic import BaseModel

from servicekit.clock import SHANGHAI
from servicekit.retry import RetryPolicy

if TYPE_CHECKING:
    from jobs.job import Job

P = TypeVar("P", bound=BaseModel)

RETRY = RetryPolicy(limit=8, base=2.0, cap=300.0)
STALL = timedelta(minutes=10)


class State(StrEnum):
    """The states of a job; a job that waits for its next attempt is `queued`."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


ENDED = (State.SUCCEEDED, State.DEAD, State.CANCELLED)


class PermanentFailure(Exception):
    """Raised by a handler if no retry can succeed; the job is dead immediately."""


@dataclass(frozen=True)
class Kind(Generic[P]):
    """A kind of job: its name (`<service>.<noun>.<verb>` or shorter) and the model of its payload.

    `concurrency` limits the concurrent jobs of the kind across all workers; 0 means no limit. An attempt
    that records no checkpoint and no progress for `stall` is cancelled and counts as failed.
    """

    name: str
    payload: type[P]
    retry: RetryPolicy = RETRY
    concurrency: int = 0
    priority: int = 0
    stall: timedelta = STALL


@dataclass(frozen=True)
class Handler(Generic[P]):
    """A kind and its handler function, which may return a model as the job's result.

    The function is called again after a failure, so it must be idempotent. It must not keep a transaction
    open while it calls another system.
    """

    kind: Kind[P]
    call: "Callable[[Job[P]], Awaitable[BaseModel | None]]"


class NoPayload(BaseModel):
    """The payload of a periodic run."""


@dataclass(frozen=True)
class Periodic:
    """A task that runs in one of the service's processes, by interval (`every`) or by `cron` expression.

    `cron` has five fields, in Beijing time. Each run is delayed by a random time up to `jitter` (default: a
    tenth of the interval, a minute for cron). Runs that were missed while no worker ran are replaced by one.
    The first run is due after one interval, or immediately with `at_start`.
    """

    name: str
    call: Callable[[], Awaitable[object]]
    every: timedelta | None = None
    cron: str | None = None
    jitter: timedelta | None = None
    at_start: bool = False
    retry: RetryPolicy = field(default=RetryPolicy(limit=1))
    stall: timedelta = STALL

    def __post_init__(self) -> None:
        """Validate the schedule."""
        if (self.every is None) == (self.cron is None):
            raise ValueError(f"{self.name}: give either `every` or `cron`")
        if self.cron is not None and not croniter.is_valid(self.cron):
            raise ValueError(f"{self.name}: not a cron expression: {self.cron}")

    @property
    def schedule(self) -> str:
        """Return the schedule as text for a table column."""
        return self.cron or f"every {self.every}"

    def next_after(self, now: datetime) -> datetime:
        """Return the due time of the next run, including jitter."""
        if self.every is not None:
            due, spread = now + self.every, self.every / 10
        else:
            due = croniter(self.cron, now.astimezone(SHANGHAI)).get_next(datetime)
            spread = timedelta(minutes=1)
        return due + (spread if self.jitter is None else self.jitter) * random.random()

    def handler(self) -> Handler[NoPayload]:
        """Return the handler that runs the task as a job."""

        async def run(_: "Job[NoPayload]") -> None:
            await self.call()

        return Handler(Kind(self.name, NoPayload, retry=self.retry, concurrency=1, stall=self.stall), run)


AnyHandler = Handler[Any]
