"""The kinds of jobs of imports and exports."""

from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind

CHUNK = 5_000
"""Rows of one transaction."""


class Which(BaseModel):
    """The import or export of a job."""

    id: UUID


CHECK = Kind("identity.units.import.check", Which, concurrency=2, stall=timedelta(minutes=20))
APPLY = Kind("identity.units.import.apply", Which, concurrency=1, stall=timedelta(minutes=20))
EXPORT = Kind("identity.units.export", Which, concurrency=2, stall=timedelta(minutes=20))
