"""API schemas of assignments."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.documents import AssignmentStatus
from office.assignments.models import Assignment
from office.assignments.service import Assigned
from servicekit.instants import Instant

# PostgreSQL cannot store NUL; other control characters are input errors.
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]+$"

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=_TEXT)]


class AssignIn(BaseModel):
    """承办: who, until when, and what is to be done."""

    model_config = ConfigDict(extra="forbid")

    owner: UUID = Field(description="承办人，本单位人员")
    due_at: Instant | None = Field(
        default=None,
        description="承办期限，不晚于本单位的办理期限；默认与其相同",
        examples=["2023-05-06T17:30:00+08:00"],
    )
    note: Note | None = Field(default=None, description="办理要求", examples=["请汇总参训名单。"])


class FinishIn(BaseModel):
    """办结: what became of it."""

    model_config = ConfigDict(extra="forbid")

    result: Note | None = Field(default=None, description="办理结果", examples=["已报送参训名单。"])


class AssignmentOut(BaseModel):
    """An assignment of a notice to a person of the caller's unit."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="承办记录的标识")
    notice_id: UUID
    owner: UUID | None = Field(description="承办人；已离开本单位而尚未改派的为空")
    owner_name: str | None = Field(default=None, description="承办人姓名", examples=["张三"])
    due_at: datetime = Field(description="承办期限", examples=["2023-05-06T09:30:00Z"])
    note: str | None = Field(description="办理要求")
    assigned_by: UUID = Field(description="交办人")
    assigned_by_name: str | None = Field(default=None, description="交办人姓名", examples=["李四"])
    assigned_at: datetime = Field(description="交办时间")
    status: AssignmentStatus = Field(description="状态", examples=["open"])
    ended_by: UUID | None = Field(description="结束人")
    ended_by_name: str | None = Field(default=None, description="结束人姓名", examples=["张三"])
    ended_at: datetime | None = Field(description="结束时间")
    result: str | None = Field(description="办理结果")

    @classmethod
    def of(cls, assignment: Assignment, names: dict[UUID, str]) -> Self:
        """Convert a stored assignment."""
        found = cls.model_validate(assignment)
        return found.model_copy(
            update={
                "owner_name": None if assignment.owner is None else names.get(assignment.owner),
                "assigned_by_name": names.get(assignment.assigned_by),
                "ended_by_name": None if assignment.ended_by is None else names.get(assignment.ended_by),
            }
        )

    @classmethod
    def of_one(cls, assigned: Assigned) -> Self:
        """Convert the only assignment of an answer."""
        return cls.of(assigned.items[0], assigned.names)


class AssignmentsOut(BaseModel):
    """The assignments of a notice in the caller's unit."""

    items: list[AssignmentOut] = Field(description="承办记录，从新到旧，最多 200 条")

    @classmethod
    def of(cls, assigned: Assigned) -> Self:
        """Convert the history."""
        return cls(items=[AssignmentOut.of(one, assigned.names) for one in assigned.items])
