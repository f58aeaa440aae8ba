"""Schemas of the memberships API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Kind, Level, Open, Role
from identity.accounts.schemas import AccountOut
from identity.memberships.models import Belonging, Profile

Post = Annotated[str, Field(min_length=1, max_length=30, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""职务, as the unit calls it."""

NamePart = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A part of a name to look for."""


class MembershipOut(BaseModel):
    """One unit that a person belongs to."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "unit_id": "01930000-0000-7000-8000-000000000001",
                "unit_name": "历下区学生资助管理中心",
                "unit_short_name": "历下区",
                "level": "county",
                "kind": "student_aid",
                "path": "100000.370000.370100.370102",
                "roles": ["unit_admin"],
                "posts": ["主任"],
                "duties": "分管生源地贷款",
                "primary": True,
                "since": "2026-01-01T00:00:00Z",
            }
        }
    )

    unit_id: UUID
    unit_name: str
    unit_short_name: str = Field(description="单位简称")
    level: Level
    kind: Kind
    path: str = Field(description="单位的隶属路径")
    roles: list[Open[Role]]
    posts: list[str] = Field(description="职务")
    duties: str | None = Field(description="分工")
    primary: bool = Field(description="是否为主要单位")
    since: datetime = Field(description="加入时间")

    @classmethod
    def of(cls, belonging: Belonging) -> "MembershipOut":
        """Return the schema of a membership."""
        membership, unit = belonging
        return cls(
            unit_id=unit.id,
            unit_name=unit.name,
            unit_short_name=unit.short_name,
            level=unit.level,
            kind=unit.kind,
            path=unit.path,
            roles=list(membership.roles),
            posts=membership.posts,
            duties=membership.duties,
            primary=membership.is_primary,
            since=membership.started_at,
        )


class MemberOut(AccountOut):
    """A person, as displayed to administrators; `unit_id` and `roles` are those of the first membership."""

    unit_name: str | None = None
    posts: list[str] = Field(default=[], description="职务")
    memberships: list[MembershipOut] = Field(default=[], description="在管辖范围内所属的单位，主要单位在前")

    @classmethod
    def from_profile(cls, profile: Profile, entitlements: list[str]) -> "MemberOut":
        """Return a person with the memberships of `profile`."""
        account, membership = profile.account, profile.membership
        return cls(
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            status=account.status,
            registered_at=account.registered_at,
            unit_id=None if profile.unit is None else profile.unit.id,
            unit_name=None if profile.unit is None else profile.unit.name,
            roles=[] if membership is None else membership.roles,
            entitlements=entitlements,
            posts=[] if membership is None else membership.posts,
            memberships=[MembershipOut.of(one) for one in profile.memberships],
        )
