"""API schemas of wall displays."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from cockpit.directory.schemas import UnitBrief
from cockpit.walls.repository import Found


class WallOut(BaseModel):
    """A wall display of a unit."""

    id: UUID = Field(description="大屏的标识（其授权的标识）")
    name: str = Field(description="批准时填写的名称", examples=["一楼大厅"])
    unit: UnitBrief = Field(description="显示哪个单位的数据")
    client_id: str = Field(description="大屏所用的应用", examples=["wall"])
    approved_by: UUID = Field(description="批准人的账号标识")
    approved_by_name: str = Field(description="批准人的姓名", examples=["张三"])
    approved_at: datetime = Field(description="批准时间")
    expires_at: datetime = Field(description="到期时间，之后须重新批准")
    last_seen_at: datetime | None = Field(description="最近一次取数的时间，精确到分钟；从未取数的为空")
    ended_at: datetime | None = Field(description="停用时间")
    ended_by: str | None = Field(description="停用人的账号标识；由批准人在统一认证撤回、或应用被停用的为空")

    @classmethod
    def of(cls, found: Found) -> Self:
        """Convert a wall display and its unit."""
        wall, unit = found
        return cls(
            id=wall.grant_id,
            name=wall.name,
            unit=UnitBrief.model_validate(unit),
            client_id=wall.client_id,
            approved_by=wall.approved_by,
            approved_by_name=wall.approver,
            approved_at=wall.approved_at,
            expires_at=wall.expires_at,
            last_seen_at=wall.last_seen_at,
            ended_at=wall.ended_at,
            ended_by=wall.ended_by,
        )
