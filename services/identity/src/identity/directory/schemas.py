"""Schemas of names."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from identity.directory.service import Named


class PersonNameOut(BaseModel):
    """The name of a person and of the unit they belong to."""

    sub: UUID
    name: str = Field(description="姓名", examples=["王小明"])
    unit_id: UUID | None = Field(description="主要单位的标识")
    unit_name: str | None = Field(description="主要单位的名称", examples=["历下区学生资助管理中心"])

    @classmethod
    def of(cls, person: Named) -> Self:
        """Convert a query row."""
        return cls(sub=person.id, name=person.name, unit_id=person.unit_id, unit_name=person.unit_name)


class UnitNameOut(BaseModel):
    """The name of a unit."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str = Field(description="单位名称", examples=["历下区学生资助管理中心"])
