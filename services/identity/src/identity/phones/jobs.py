"""Puts changes of phone numbers into force when their waiting time is over, and looks for lost accounts."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from identity.phones.kinds import SEEK, Asked
from identity.phones.repository import PhoneChangeRepository
from identity.phones.seeking import LostAccounts
from identity.phones.service import Phones
from identity.sealing import BadToken
from jobs.job import Job
from jobs.kinds import Handler, Periodic, PermanentFailure
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("phones")
_AT_ONCE = 100


async def complete_due(database: Database, clock: Clock, phones: Callable[[AsyncSession], Phones]) -> int:
    """Put the due changes into force, each in its own transaction. Return how many accounts have a new
    number. A change that fails is logged and tried again by the next run.
    """
    done = failed = 0
    while True:
        async with database.transaction() as session:
            due = await PhoneChangeRepository(session).due(clock.now(), _AT_ONCE)
        for change_id in due:
            try:
                async with database.transaction() as session:
                    done += await phones(session).complete(change_id)
            except Exception:
                log.exception("a phone change failed", change=str(change_id))
                failed += 1
        if len(due) < _AT_ONCE or failed:
            return done


def task(database: Database, clock: Clock, phones: Callable[[AsyncSession], Phones]) -> Periodic:
    """Return `complete_due` as a periodic task."""

    async def run() -> None:
        done = await complete_due(database, clock, phones)
        if done:
            log.info("phone numbers changed", count=done)

    return Periodic("phones.complete", run, every=timedelta(minutes=5))


class Seeking:
    """Handler of `SEEK`."""

    def __init__(self, lost: Callable[[AsyncSession], LostAccounts]) -> None:
        self._lost = lost

    async def run(self, job: Job[Asked]) -> None:
        """Look for an account. Again after a failure: a recovery that is open already stays the only one."""
        try:
            async with job.transaction() as session:
                await self._lost(session).seek(job.payload)
        except BadToken as error:
            raise PermanentFailure("the request is too old, or its key is gone") from error


def handler(lost: Callable[[AsyncSession], LostAccounts]) -> Handler[Asked]:
    """Return the handler of the job."""
    return Handler(SEEK, Seeking(lost).run)
