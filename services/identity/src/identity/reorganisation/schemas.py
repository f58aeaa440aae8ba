"""Schemas of changes of the authority tree."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from identity.reorganisation.models import UnitEnding
from jobs.kinds import State
from jobs.queue import JobView


class UnitEndingOut(BaseModel):
    """A unit that was closed or merged, and how many of its people have been dealt with."""

    unit_id: UUID
    merged_into_id: UUID | None
    started_at: datetime = Field(description="撤销或并入的时间；自此该单位的人员不能再以该单位办理业务")
    people: int = Field(description="撤销或并入时的人数")
    settled: int = Field(description="已办理的人数：不再属于该单位，未办事项已移交")
    finished_at: datetime | None = Field(description="全部办理完成的时间；空为正在后台办理")
    stalled: bool = Field(description="后台任务多次失败，须由运维人员处理")

    @classmethod
    def of(cls, row: UnitEnding, job: JobView | None) -> "UnitEndingOut":
        """Return the schema of an ending."""
        return cls(
            unit_id=row.unit_id,
            merged_into_id=row.merged_into_id,
            started_at=row.started_at,
            people=row.people,
            settled=row.settled,
            finished_at=row.finished_at,
            stalled=row.finished_at is None
            and job is not None
            and job.state in (State.DEAD, State.CANCELLED),
        )
