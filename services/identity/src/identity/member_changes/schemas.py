"""Schemas of changes of a unit's people."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from identity.accounts.models import Account
from identity.member_changes.models import HandOver
from identity.memberships.schemas import Post
from identity.names import PersonName, UnitName
from identity.roles.schemas import RoleCode


class MemberChangeIn(BaseModel):
    """New roles, posts or duties of a member; what is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"roles": ["handler", "reviewer"], "reason": "岗位调整"}},
    )

    roles: list[RoleCode] | None = Field(default=None, min_length=1, max_length=4)
    posts: list[Post] | None = Field(default=None, max_length=5, description="职务")
    duties: str | None = Field(default=None, max_length=200, description="分工；空字符串表示清除")
    reason: str = Field(min_length=2, max_length=200)


class LeaveIn(BaseModel):
    """The reason for leaving, and who takes over the open work; by default the unit's administrators."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=2, max_length=200, examples=["调离资助工作岗位"])
    successor: UUID | None = Field(default=None, description="接手人的标识，须为本单位人员")


class OwnLeaveIn(LeaveIn):
    """Leave one of the caller's units."""

    unit_id: UUID


class HandOverOut(BaseModel):
    """A hand-over."""

    id: UUID
    sub: UUID
    name: str = Field(description="离开人员的姓名")
    unit_id: UUID
    unit_name: Annotated[str | None, UnitName("unit_id")] = None
    successor: UUID | None = Field(description="接手人的标识；空为交回单位")
    successor_name: Annotated[str | None, PersonName("successor")] = None
    successor_unit_id: UUID | None = Field(
        description="接手单位的标识；单位撤销或并入其他单位时，未办事项交给该单位"
    )
    successor_unit_name: Annotated[str | None, UnitName("successor_unit_id")] = None
    reason: str
    requested_at: datetime
    completed_at: datetime | None = Field(description="交接完成时间；空为正在交接")
    items: int | None = Field(description="交接的事项数")

    @classmethod
    def of(cls, row: HandOver, account: Account) -> "HandOverOut":
        """Return the schema of a hand-over."""
        return cls(
            id=row.id,
            sub=account.id,
            name=account.name,
            unit_id=row.unit_id,
            successor=row.successor_id,
            successor_unit_id=row.successor_unit_id,
            reason=row.reason,
            requested_at=row.requested_at,
            completed_at=row.completed_at,
            items=row.items,
        )
