"""Schemas of the units API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Kind, Level, Stage, UnitStatus


class UnitOut(BaseModel):
    """A unit."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "id": "01930000-0000-7000-8000-000000000001",
                "code": "370102",
                "name": "历下区学生资助管理中心",
                "short_name": "历下区",
                "level": "county",
                "kind": "student_aid",
                "stages": ["compulsory"],
                "region_code": "370102",
                "parent_id": "01930000-0000-7000-8000-000000000000",
                "path": "100000.370000.370100.370102",
                "status": "active",
                "version": 1,
                "opened_at": "2026-01-01T00:00:00Z",
                "closed_at": None,
            }
        },
    )

    id: UUID
    code: str
    name: str
    short_name: str
    level: Level
    kind: Kind
    stages: list[Stage]
    region_code: str | None
    parent_id: UUID | None
    path: str
    status: UnitStatus
    version: int
    opened_at: datetime
    closed_at: datetime | None


class UnitIn(BaseModel):
    """A new unit below a unit that the caller administers."""

    model_config = ConfigDict(extra="forbid")

    parent_id: UUID
    code: str = Field(pattern=r"^[A-Za-z0-9_]{4,32}$", examples=["S3701029001"])
    name: str = Field(min_length=2, max_length=100, examples=["济南市历下区新建小学"])
    short_name: str | None = Field(default=None, min_length=2, max_length=50, examples=["新建小学"])
    level: Level = Field(examples=["school"])
    kind: Kind = Field(examples=["school"])
    stages: list[Stage] = Field(min_length=1, max_length=8, examples=[["compulsory"]])
    region_code: str | None = Field(default=None, pattern=r"^\d{6}$", examples=["370102"])
