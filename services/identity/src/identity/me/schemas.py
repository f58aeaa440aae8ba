"""Schemas of the caller's own record."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import AccountStatus, Audience, Open, Permission, PlatformRole, Role
from identity.clients.shown import Opened
from identity.me.service import Me
from identity.me.waiting import MOST_COUNTED
from identity.memberships.models import Belonging
from identity.memberships.schemas import MembershipOut
from servicekit.paging import Total


class UnreadOut(BaseModel):
    """Where to ask for a number of things that wait for the caller."""

    name: str = Field(
        description="事项：join_requests 待审核的加入申请，recoveries 待审核的账号找回，"
        "entitlement_requests 待审核的授权申请，access_reviews 待复核的授权，"
        "role_changes 待确认的角色变更，appointments 待确认的平台管理员任免，"
        "notices 未读通知，tasks 统一待办；运维人员可以另外配置",
        examples=["notices"],
    )
    audience: str = Field(description="请求该地址所用令牌的受众", examples=[Audience.OFFICE])
    href: str = Field(
        description="以 GET 请求的地址，应答为 JSON",
        examples=["https://office.example/api/v1/notices/inbox/counts"],
    )
    pointer: str = Field(
        description="数目在应答中的位置（JSON Pointer，RFC 6901），该处为整数", examples=["/unread/count"]
    )


class WaitingOut(BaseModel):
    """The number of things that wait for the caller's decision, each counted up to 1,000."""

    join_requests: Total = Field(description="待审核的加入申请")
    recoveries: Total = Field(description="待审核的账号找回")
    entitlement_requests: Total = Field(description="待审核的授权申请")
    access_reviews: Total = Field(description="待复核的授权")
    role_changes: Total = Field(description="待本人确认的角色变更")
    appointments: Total = Field(description="待本人确认的平台管理员任免")

    @classmethod
    def of(cls, counted: Mapping[str, int]) -> "WaitingOut":
        """Return the schema of counts by name."""
        return cls(**{name: Total.of(number, MOST_COUNTED) for name, number in counted.items()})


class OwnMembershipOut(MembershipOut):
    """One unit that the caller belongs to, with what they may enter when they act for it."""

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
                "entitlements": ["cockpit"],
            }
        }
    )

    entitlements: list[str] = Field(description="代表该单位时可以进入的系统", examples=[["cockpit"]])

    @classmethod
    def with_entitlements(cls, belonging: Belonging, entitlements: list[str]) -> "OwnMembershipOut":
        """Return the schema of a membership of the caller."""
        return cls(**MembershipOut.of(belonging).model_dump(), entitlements=entitlements)


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
    acting: OwnMembershipOut | None = Field(description="当前所代表的单位及在其中的角色、职务")
    memberships: list[OwnMembershipOut] = Field(description="所属的全部单位，主要单位在前")
    roles: list[Open[Role]] = Field(description="在当前单位的角色，包括受委托的角色")
    permissions: list[Open[Permission]] = Field(description="当前的权限")
    entitlements: list[str] = Field(description="代表当前单位时可以进入的系统", examples=[["cockpit"]])
    platform_role: PlatformRole | None = Field(description="平台管理角色（三员之一）")
    unread: list[UnreadOut] = Field(description="各类待办数量的查询地址")

    @classmethod
    def of(cls, me: Me, unread: list[UnreadOut]) -> "MeOut":
        """Return the caller's record."""
        account, acting = me.profile.account, me.profile.acting

        def own(belonging: Belonging) -> OwnMembershipOut:
            return OwnMembershipOut.with_entitlements(belonging, me.entitlements_by_unit[belonging[1].id])

        return cls(
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            status=account.status,
            registered_at=account.registered_at,
            unit_id=None if acting is None else acting[1].id,
            acting=None if acting is None else own(acting),
            memberships=[own(one) for one in me.profile.memberships],
            roles=list(me.roles),
            permissions=list(me.permissions),
            entitlements=me.entitlements,
            platform_role=me.platform_role,
            unread=unread,
        )


class PlatformOut(BaseModel):
    """A system that the caller opens from the first page."""

    model_config = ConfigDict(from_attributes=True)

    client_id: str = Field(description="接入系统的标识", examples=["01930000-0000-7000-8000-0000000000cc"])
    name: str = Field(description="系统名称", examples=["山东省学生资助信息系统"])
    owner: str = Field(description="登记该系统的单位", examples=["山东省学生资助管理中心"])
    url: str = Field(
        description="打开的地址：发起登录的地址（已带 iss 参数，OpenID Connect Core §4），没有时为首页",
        examples=["https://rp.example.cn/begin?iss=https%3A%2F%2Fid.example.cn"],
    )

    @classmethod
    def of(cls, opened: Opened) -> "PlatformOut":
        """Return the schema of a system."""
        return cls.model_validate(opened)


class PlatformsOut(BaseModel):
    """Systems that the caller opens."""

    items: list[PlatformOut] = Field(description="接入系统，上级单位登记的在前")


class OwnNameIn(BaseModel):
    """A correction of one's own name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100, description="更正后的姓名", examples=["王小明"])


class ActingUnitIn(BaseModel):
    """Act for another of one's units."""

    model_config = ConfigDict(extra="forbid")

    unit_id: UUID = Field(description="所属单位之一")
