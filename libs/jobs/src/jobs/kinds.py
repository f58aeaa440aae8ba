"""What a service declares: kinds of jobs with their handlers, and periodic tasks."""

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
    """The states of a job; `queued` includes a wait for the next attempt."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


ENDED = (State.SUCCEEDED, State.DEAD, State.CANCELLED)


class PermanentFailure(Exception):
    """Raised by a handler when no retry can succeed: the job is dead at once."""


@dataclass(frozen=True)
class Kind(Generic[P]):
    """A kind of job: its name (`<service>.<noun>.<verb>` or shorter) and the model of its payload.

    `concurrency` limits how many jobs of the kind run at once in all workers together, 0 does not. An
    attempt that neither checkpoints nor reports progress for `stall` is cancelled and counts as failed.
    """

    name: str
    payload: type[P]
    retry: RetryPolicy = RETRY
    concurrency: int = 0
    priority: int = 0
    stall: timedelta = STALL


@dataclass(frozen=True)
class Handler(Generic[P]):
    """A kind and the function that does its work, which may return a model as the job's result.

    The function is called again after a failure, so each of its effects must be safe to repeat. It keeps
    no transaction open while it calls another system.
    """

    kind: Kind[P]
    call: "Callable[[Job[P]], Awaitable[BaseModel | None]]"


class NoPayload(BaseModel):
    """The payload of a periodic run."""


@dataclass(frozen=True)
class Periodic:
    """A task that one of the service's processes runs, by interval (`every`) or by `cron` expression.

    `cron` has five fields and means Beijing time. `jitter` delays each run by a random part of it (a tenth
    of the interval, a minute for cron). Runs that were missed while no worker ran are made up for by one.
    The first run ever is due after one interval, with `at_start` at once.
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
        """Refuse a schedule that is none."""
        if (self.every is None) == (self.cron is None):
            raise ValueError(f"{self.name}: give either `every` or `cron`")
        if self.cron is not None and not croniter.is_valid(self.cron):
            raise ValueError(f"{self.name}: not a cron expression: {self.cron}")

    @property
    def schedule(self) -> str:
        """The schedule in words of one column."""
        return self.cron or f"every {self.every}"

    def next_after(self, now: datetime) -> datetime:
        """When the next run is due, jitter included."""
        if self.every is not None:
            due, spread = now + self.every, self.every / 10
        else:
            due = croniter(self.cron, now.astimezone(SHANGHAI)).get_next(datetime)
            spread = timedelta(minutes=1)
        return due + (spread if self.jitter is None else self.jitter) * random.random()

    def handler(self) -> Handler[NoPayload]:
        """The task as a kind of job."""

        async def run(_: "Job[NoPayload]") -> None:
            await self.call()

        return Handler(Kind(self.name, NoPayload, retry=self.retry, concurrency=1, stall=self.stall), run)


AnyHandler = Handler[Any]
