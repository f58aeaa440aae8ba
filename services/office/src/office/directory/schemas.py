"""API schemas of units."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Kind, Level, Open, Stage, UnitStatus
from office.directory.service import ListedUnit


class UnitRef(BaseModel):
    """The identification of a unit."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(examples=["0192f0c1-7a3b-7c11-9a56-0d5b8f6e2a10"])
    code: str = Field(description="单位代码", examples=["370102"])
    name: str = Field(description="单位名称", examples=["历下区学生资助管理中心"])


class UnitOut(UnitRef):
    """A unit."""

    short_name: str = Field(description="简称", examples=["历下区"])
    level: Open[Level] = Field(description="层级", examples=["county"])
    kind: Open[Kind] = Field(description="类别", examples=["student_aid"])
    stages: list[Open[Stage]] = Field(description="学段", examples=[["compulsory", "general_high"]])
    region_code: str | None = Field(description="属地行政区划代码（GB/T 2260）", examples=["370102"])
    parent_id: UUID | None = Field(description="上级单位（隶属）")
    path: str = Field(description="隶属路径", examples=["100000.370000.370100.370102"])
    status: Open[UnitStatus] = Field(description="状态", examples=["active"])


class ListedUnitOut(UnitOut):
    """A unit, with those above it."""

    ancestors: list[UnitRef] = Field(description="各级上级单位，从最高级起")

    @classmethod
    def of(cls, listed: ListedUnit) -> Self:
        """Convert a unit with those above it."""
        return cls(
            **UnitOut.model_validate(listed.unit).model_dump(),
            ancestors=[UnitRef.model_validate(unit) for unit in listed.ancestors],
        )
