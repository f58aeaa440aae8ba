"""The job of uploads."""

from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind


class Which(BaseModel):
    """The upload."""

    id: UUID


LOAD = Kind("cockpit.uploads.load", Which, concurrency=2)
"""Take in an upload that is complete."""
