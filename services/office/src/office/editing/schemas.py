"""API schemas of who edits a draft."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from office.editing.repository import Editor
from office.notices.models import Notice


class EditorOut(BaseModel):
    """A person who edits a draft."""

    model_config = ConfigDict(from_attributes=True)

    sub: UUID = Field(description="人员标识")
    name: str | None = Field(description="姓名；尚未同步时为空", examples=["张三"])
    since: datetime = Field(description="开始编辑的时间")
    until: datetime = Field(description="到此时没有新的动作，即视为已离开")


class EditorsOut(BaseModel):
    """Who edits a draft, and its version."""

    version: int = Field(description="草稿的当前版本，即 ETag 引号内的数字", examples=[3])
    editors: list[EditorOut] = Field(description="正在编辑的人员，包括本人，从早到晚，最多 20 人")

    @classmethod
    def of(cls, found: tuple[Notice, Sequence[Editor]]) -> Self:
        """Convert a draft and its editors."""
        notice, editors = found
        return cls(version=notice.version, editors=[EditorOut.model_validate(one) for one in editors])
