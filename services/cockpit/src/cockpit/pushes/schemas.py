"""API schemas of pushes."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from cockpit.directory.models import Unit
from cockpit.directory.schemas import UnitBrief
from cockpit.feeds.declarations import FeedName
from cockpit.pushes.models import PushGrant


class GrantIn(BaseModel):
    """A client that will push for a unit."""

    client_id: str = Field(
        min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._~-]+$", description="接入系统的标识（client_id）"
    )
    name: str = Field(
        min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$", description="接入系统的名称"
    )
    unit: UUID | None = Field(default=None, description="为哪个单位代报，默认为本单位")
    feeds: list[FeedName] = Field(min_length=1, max_length=len(FeedName), description="可代报的数据源")


class GrantOut(BaseModel):
    """A registration."""

    id: UUID = Field(description="登记的标识")
    client_id: str = Field(description="接入系统的标识（client_id）")
    name: str = Field(description="接入系统的名称")
    unit: UnitBrief = Field(description="代报的单位")
    feeds: list[FeedName] = Field(description="可代报的数据源")
    created_at: datetime = Field(description="登记时间")
    revoked_at: datetime | None = Field(description="撤销时间；有效时为空")

    @classmethod
    def of(cls, grant: PushGrant, unit: Unit) -> Self:
        """Convert a registration and its unit."""
        return cls(
            id=grant.id,
            client_id=grant.client_id,
            name=grant.name,
            unit=UnitBrief.model_validate(unit),
            feeds=[FeedName(feed) for feed in grant.feeds],
            created_at=grant.created_at,
            revoked_at=grant.revoked_at,
        )
