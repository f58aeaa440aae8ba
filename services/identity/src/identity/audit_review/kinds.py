"""Kinds of jobs of the audit log."""

from uuid import UUID

from pydantic import BaseModel

from jobs.kinds import Kind


class Wanted(BaseModel):
    """The export to make."""

    export_id: UUID


EXPORT = Kind("identity.audit.export", Wanted, concurrency=2)
