"""The kind of job that deals with the people of a unit that has ended."""

from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind

AT_ONCE = 20
"""People, and requests to join, that are dealt with in the transaction that ends the unit."""
BATCH = 50
"""People, and requests to join, of one transaction of the job."""


class Which(BaseModel):
    """The unit that has ended."""

    unit_id: UUID


class Reached(BaseModel):
    """The numbers of ended memberships and rejected requests."""

    settled: int = 0
    rejected: int = 0


END = Kind("identity.units.end", Which, concurrency=2, stall=timedelta(minutes=5))
