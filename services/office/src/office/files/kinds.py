"""The kinds of jobs of files."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind


class Which(BaseModel):
    """The file of a job."""

    id: UUID


PREVIEW: Final = Kind("office.file.preview", Which, concurrency=2, stall=timedelta(minutes=5))
