"""Schemas of searches."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class FoundPersonOut(BaseModel):
    """A person that was found."""

    model_config = ConfigDict(from_attributes=True)

    sub: UUID
    name: str = Field(description="姓名", examples=["王小明"])
    unit_id: UUID = Field(description="所属单位的标识")
    unit_name: str = Field(description="所属单位的名称", examples=["历下区学生资助管理中心"])
    posts: list[str] = Field(description="职务")
    phone_masked: str | None = Field(description="隐去中间四位的手机号；没有查看人员权限时为空")
