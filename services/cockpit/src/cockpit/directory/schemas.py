"""API schemas of units."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Level, Open


class UnitBrief(BaseModel):
    """The identification of a unit."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(examples=["01930000-0000-7000-8000-000000000001"])
    code: str = Field(examples=["370102"])
    name: str = Field(examples=["历下区学生资助管理中心"])
    level: Open[Level] = Field(examples=["county"])
