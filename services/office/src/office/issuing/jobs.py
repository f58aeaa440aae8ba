"""Publishes issued notices when their time has come, and archives notices after their term."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from jobs.job import Job
from jobs.kinds import Handler, Periodic
from office.addressing.service import Addressing
from office.asking.service import Asking
from office.directory.service import Units
from office.dispatches.service import Dispatches
from office.files.service import Attachments
from office.forms.service import Forms
from office.groups.service import Groups
from office.issuing.kinds import ENDED, EndedNotice
from office.issuing.service import Issuing
from office.notices.service import Notices
from office.numbering.service import Numbering
from office.tasks.rules import MAX_NOTE
from office.tasks.service import Tasks
from servicekit.clock import Clock
from servicekit.db import Database

BATCH = 200
"""Notices that are archived before the list is read again."""


class Calendar:
    """What happens to notices by itself."""

    def __init__(self, database: Database, clock: Clock, archive_after: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._archive_after = archive_after

    async def publish(self) -> None:
        """Publish every notice whose time has come, each in its own transaction."""
        more = True
        while more:
            async with self._database.transaction() as session:
                more = await self._issuing(session).publish_due()

    async def archive(self) -> None:
        """Archive every notice whose term is over, each in its own transaction."""
        before = self._clock.now() - self._archive_after
        count = BATCH
        while count == BATCH:
            async with self._database.transaction() as session:
                due = await self._issuing(session).archivable(before, BATCH)
            for notice_id in due:
                async with self._database.transaction() as session:
                    await self._issuing(session).archive_older(notice_id, before)
            count = len(due)

    async def end(self, job: Job[EndedNotice]) -> None:
        """Withdraw the tasks of recipients of a notice that does not circulate any more."""
        ended, count = job.payload, BATCH
        while count == BATCH:
            async with job.transaction() as session:
                count = await Tasks(session, self._clock).withdraw(
                    f"notice/{ended.notice_id}", ended.cause[:MAX_NOTE], by=ended.by, limit=BATCH
                )

    def handlers(self) -> list[Handler[EndedNotice]]:
        """Return the handlers of jobs."""
        return [Handler(ENDED, self.end)]

    def tasks(self) -> list[Periodic]:
        """Return the periodic tasks."""
        return [
            Periodic("notices.publish", self.publish, every=timedelta(minutes=1), jitter=timedelta(0)),
            Periodic("notices.archive", self.archive, cron="30 3 * * *"),
        ]

    def _issuing(self, session: AsyncSession) -> Issuing:
        units = Units(session)
        addressing = Addressing(session, Groups(session, self._clock))
        dispatches = Dispatches(session, units, addressing)
        numbering = Numbering(session, self._clock, units)
        tasks = Tasks(session, self._clock)
        files = Attachments(session, self._clock)
        notices = Notices(session, self._clock, units, addressing, dispatches, numbering, tasks, files)
        asking = Asking(tasks, Forms(session, self._clock, units, notices, dispatches))
        return Issuing(session, self._clock, units, addressing, dispatches, numbering, notices, tasks, asking)
