"""The job of exports."""

from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind


class Which(BaseModel):
    """The export of a job."""

    id: UUID


EXPORT = Kind("cockpit.exports.make", Which, concurrency=1, stall=timedelta(minutes=20))
"""Make the file of an export. One at a time in each process: it holds a connection until the file is written,
and needs a second one to report its progress.
"""
