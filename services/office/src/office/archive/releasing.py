"""The job that deletes the files of the answers of a dropped year."""

from typing import Final

import structlog
from pydantic import BaseModel

from jobs.job import Job
from jobs.kinds import Handler, Kind
from office.archive.repository import ArchiveRepository

log = structlog.get_logger("archive")

_AT_ONCE: Final = 500


class Year(BaseModel):
    """The year of a job."""

    year: int


class Deleted(BaseModel):
    """How many files are deleted."""

    files: int


RELEASE: Final = Kind("office.archive.release", Year, concurrency=1)


async def release(job: Job[Year]) -> None:
    """Delete the rows of the files, some hundred at a time; the nightly sweep deletes their contents.

    Ends at once if the year has been restored.
    """
    done = job.resume(Deleted) or Deleted(files=0)
    more = True
    while more:
        async with job.transaction() as session:
            repository = ArchiveRepository(session)
            # Locked: a restoration waits for the batch.
            known = await repository.year(job.payload.year)
            if known is None or known.dropped_at is None:
                return
            count = await repository.delete_attached(job.payload.year, _AT_ONCE)
            more = count == _AT_ONCE
            done = Deleted(files=done.files + count)
            await job.checkpoint(session, done, done=done.files, message=f"已删除 {done.files} 个答复附件")
    log.info("files of answers deleted", year=job.payload.year, count=done.files)


def handler() -> Handler[Year]:
    """Return the handler of the job."""
    return Handler(RELEASE, release)
