"""The kind of job that makes an export."""

from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind


class Which(BaseModel):
    """The export of a job."""

    id: UUID


EXPORT = Kind("identity.privacy.export", Which, concurrency=2, stall=timedelta(minutes=5))
