"""The job of uploads."""

from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind
from servicekit.retry import RetryPolicy


class Which(BaseModel):
    """The upload."""

    id: UUID


LOAD = Kind("cockpit.uploads.load", Which, retry=RetryPolicy(limit=20, base=2.0, cap=120.0), concurrency=2)
"""Take in an upload that is complete.

Its attempts go on for half an hour: the batch of one that was killed is given up after 15 minutes.
"""
