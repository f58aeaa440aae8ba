"""API schemas of widgets."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class WidgetIn(BaseModel):
    """A new widget."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=1000, description="标题", examples=["核对受助学生名单"])


class WidgetOut(BaseModel):
    """A widget."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="编号")
    unit_id: UUID = Field(description="所属单位")
    title: str = Field(description="标题", examples=["核对受助学生名单"])
    created_at: datetime = Field(description="创建时间", examples=["2023-05-08T01:00:00Z"])
    closed_at: datetime | None = Field(description="关闭时间；未关闭为空", examples=[None])
    version: int = Field(description="版本，每次修改加一", examples=[1])
