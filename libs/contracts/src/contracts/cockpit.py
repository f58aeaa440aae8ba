"""Events that Cockpit publishes."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.base import EventModel


class BatchCommittedV1(EventModel):
    """A batch was committed and counts in all figures; `rejected` of its rows are in quarantine."""

    type: ClassVar[str] = "zhuxue.cockpit.batch.committed.v1"

    batch_id: UUID
    feed: str
    accepted: int
    rejected: int
    committed_at: datetime
