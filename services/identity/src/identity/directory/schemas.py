"""Schemas of names."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class PersonNameOut(BaseModel):
    """The name of a person and of the unit they belong to."""

    model_config = ConfigDict(from_attributes=True)

    sub: UUID = Field(validation_alias="id")
    name: str = Field(description="姓名", examples=["王小明"])
    unit_id: UUID | None = Field(description="主要单位的标识")
    unit_name: str | None = Field(description="主要单位的名称", examples=["历下区学生资助管理中心"])


class UnitNameOut(BaseModel):
    """The name of a unit."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str = Field(description="单位名称", examples=["历下区学生资助管理中心"])
