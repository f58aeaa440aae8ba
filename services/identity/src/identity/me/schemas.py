"""Schemas of the caller's own record."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import AccountStatus, Audience, Open, Permission, PlatformRole, Role
from identity.me.service import Me
from identity.memberships.schemas import MembershipOut


class UnreadOut(BaseModel):
    """Where to ask for a number of things that wait for the caller."""

    name: str = Field(
        description="事项：join_requests 待审核的加入申请，notices 未读通知", examples=["notices"]
    )
    audience: str = Field(description="请求该地址所用令牌的受众", examples=[Audience.OFFICE])
    href: str = Field(description="返回 {count} 的地址", examples=["https://office.example/api/v1/unread"])


class MeOut(BaseModel):
    """The caller: person, units, and what they may do in the acting unit."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "sub": "01930000-0000-7000-8000-0000000000aa",
                "name": "王小明",
                "phone_masked": "138****0000",
                "status": "active",
                "registered_at": "2026-11-22T02:00:00Z",
                "unit_id": None,
                "acting": None,
                "memberships": [],
                "roles": [],
                "permissions": [],
                "entitlements": [],
                "platform_role": None,
                "unread": [],
            }
        }
    )

    sub: UUID
    name: str = Field(description="姓名")
    phone_masked: str
    status: AccountStatus
    registered_at: datetime
    unit_id: UUID | None = Field(description="当前办理业务所代表的单位")
    acting: MembershipOut | None = Field(description="当前所代表的单位及在其中的角色、职务")
    memberships: list[MembershipOut] = Field(description="所属的全部单位，主要单位在前")
    roles: list[Open[Role]] = Field(description="在当前单位的角色，包括受委托的角色")
    permissions: list[Open[Permission]] = Field(description="当前的权限")
    entitlements: list[str]
    platform_role: PlatformRole | None = Field(description="平台管理角色（三员之一）")
    unread: list[UnreadOut] = Field(description="各类待办数量的查询地址")

    @classmethod
    def of(cls, me: Me, unread: list[UnreadOut]) -> "MeOut":
        """Return the caller's record."""
        account, acting = me.profile.account, me.profile.acting
        return cls(
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            status=account.status,
            registered_at=account.registered_at,
            unit_id=None if acting is None else acting[1].id,
            acting=None if acting is None else MembershipOut.of(acting),
            memberships=[MembershipOut.of(one) for one in me.profile.memberships],
            roles=list(me.roles),
            permissions=list(me.permissions),
            entitlements=me.entitlements,
            platform_role=me.platform_role,
            unread=unread,
        )


class ActingUnitIn(BaseModel):
    """Act for another of one's units."""

    model_config = ConfigDict(extra="forbid")

    unit_id: UUID = Field(description="所属单位之一")
