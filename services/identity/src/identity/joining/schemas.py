"""Schemas of the API of requests to join."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import JoinRequestStatus, Kind, Level, Open, Role
from identity.accounts.models import Account
from identity.invites.models import Invite
from identity.joining.models import JoinRequest
from identity.memberships.schemas import Post
from identity.names import PersonName, UnitName
from identity.roles.schemas import RoleCode
from identity.units.models import Unit


class JoinIn(BaseModel):
    """A request to join a unit: by an invite code, or by naming the unit."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"invite_code": "7K2M-9QXR-4TZB-0HWE"}}
    )

    invite_code: str | None = Field(default=None, min_length=4, max_length=40)
    unit_id: UUID | None = Field(default=None, description="没有邀请码时，申请加入的单位")
    roles: list[RoleCode] = Field(
        default=[], max_length=4, description="没有邀请码时希望担任的角色，由管理员决定；默认经办人"
    )
    posts: list[Post] = Field(default=[], max_length=5, description="没有邀请码时填写的职务")
    note: str | None = Field(default=None, max_length=200, description="给管理员的说明")
    leave_unit_id: UUID | None = Field(default=None, description="调动：审核通过后即离开的原单位")


class TransferIn(BaseModel):
    """An administrator's request to transfer a member to another unit."""

    model_config = ConfigDict(extra="forbid")

    to_unit_id: UUID = Field(description="调入单位")
    roles: list[RoleCode] = Field(min_length=1, max_length=4, description="建议的角色，由调入单位决定")
    posts: list[Post] = Field(default=[], max_length=5, description="职务")
    note: str | None = Field(default=None, max_length=200, description="给调入单位的说明")


class CodeIn(BaseModel):
    """An invite code."""

    model_config = ConfigDict(extra="forbid")

    invite_code: str = Field(min_length=4, max_length=40, examples=["7K2M-9QXR-4TZB-0HWE"])


class InvitedOut(BaseModel):
    """What an invite code invites to."""

    unit_id: UUID
    unit_name: str
    parent_name: str | None = Field(description="上级单位的名称")
    roles: list[Open[Role]]
    posts: list[str]
    expires_at: datetime

    @classmethod
    def of(cls, found: tuple[Invite, Unit, Unit | None]) -> "InvitedOut":
        """Return the schema of an invite with its unit and the unit above."""
        invite, unit, parent = found
        return cls(
            unit_id=unit.id,
            unit_name=unit.name,
            parent_name=None if parent is None else parent.name,
            roles=list(invite.roles),
            posts=invite.posts,
            expires_at=invite.expires_at,
        )


class ApprovalIn(BaseModel):
    """The roles and posts to grant; by default those of the request."""

    model_config = ConfigDict(extra="forbid")

    roles: list[RoleCode] | None = Field(default=None, min_length=1, max_length=4)
    posts: list[Post] | None = Field(default=None, max_length=5)


class CountOut(BaseModel):
    """A number of things."""

    count: int = Field(description="数量")


class UnitChoiceOut(BaseModel):
    """A unit to choose."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str = Field(description="单位名称")
    short_name: str = Field(description="单位简称")
    code: str = Field(description="单位代码")
    level: Level
    kind: Kind
    parent_id: UUID | None


class JoinRequestOut(BaseModel):
    """A request to join."""

    id: UUID
    sub: UUID
    name: str
    phone_masked: str
    unit_id: UUID
    unit_name: str
    roles: list[Open[Role]]
    posts: list[str]
    note: str | None = Field(description="申请人的说明")
    transfer: bool = Field(description="是否为调动：通过后离开原单位")
    status: JoinRequestStatus
    requested_at: datetime
    requested_by: UUID | None = Field(description="代为申请的管理员")
    requested_by_name: Annotated[str | None, PersonName("requested_by")] = None
    expires_at: datetime | None
    responsible_unit_id: UUID | None = Field(description="目前应处理的最高一级单位")
    responsible_unit_name: Annotated[str | None, UnitName("responsible_unit_id")] = None
    escalations: int = Field(description="因逾期未处理而转上级的次数")
    escalated_at: datetime | None = Field(description="最近一次转上级的时间")
    escalate_at: datetime | None = Field(description="到此时仍未处理则转上级")
    decided_at: datetime | None
    decided_by: UUID | None = Field(description="处理人的标识")
    decided_by_name: Annotated[str | None, PersonName("decided_by")] = None
    reason: str | None

    @classmethod
    def of(cls, row: tuple[JoinRequest, Account, Unit]) -> "JoinRequestOut":
        """Return the schema of a request with its account and unit."""
        request, account, unit = row
        return cls(
            id=request.id,
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            unit_id=unit.id,
            unit_name=unit.name,
            roles=list(request.roles),
            posts=request.posts,
            note=request.note,
            transfer=request.leaves_membership_id is not None,
            status=request.status,
            requested_at=request.requested_at,
            requested_by=request.requested_by,
            expires_at=request.expires_at,
            responsible_unit_id=request.responsible_unit_id,
            escalations=request.escalations,
            escalated_at=request.escalated_at,
            escalate_at=request.escalate_at,
            decided_at=request.decided_at,
            decided_by=request.decided_by,
            reason=request.reason,
        )
