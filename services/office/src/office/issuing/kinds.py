"""The kinds of jobs of the life cycle of notices."""

from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind


class EndedNotice(BaseModel):
    """A notice that does not circulate any more, and why."""

    notice_id: UUID
    cause: str
    by: UUID | None


ENDED = Kind("office.notices.ended", EndedNotice)
"""Withdraws the tasks that recipients of a notice have."""
