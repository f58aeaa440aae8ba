"""Schemas of the API of the platform's administrators."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import AccountStatus, PlatformRole, ProposalStatus
from identity.accounts.models import Account
from identity.platform.models import PlatformAdministrator, PlatformProposal


class PlatformAdminOut(BaseModel):
    """An administrator of the platform."""

    sub: UUID
    name: str = Field(description="姓名")
    phone_masked: str
    status: AccountStatus
    role: PlatformRole = Field(description="三员之一")
    appointed_at: datetime = Field(description="任命时间")
    proposed_by: UUID | None = Field(description="提议人的标识；空为运维人员以命令任命")
    confirmed_by: UUID | None = Field(description="确认人的标识")

    @classmethod
    def of(cls, row: PlatformAdministrator, account: Account) -> "PlatformAdminOut":
        """Return the schema of an administrator."""
        return cls(
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            status=account.status,
            role=row.role,
            appointed_at=row.appointed_at,
            proposed_by=row.proposed_by,
            confirmed_by=row.confirmed_by,
        )


class SettingOut(BaseModel):
    """A setting of the platform."""

    name: str = Field(description="设置项的名称", examples=["access_token_seconds"])
    description: str = Field(description="设置项的说明")
    value: bool | int | float | str | None = Field(description="当前值", examples=[300])


class ProposalIn(BaseModel):
    """A proposal to appoint or dismiss an administrator of the platform."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "sub": "01930000-0000-7000-8000-0000000000aa",
                "role": "audit_admin",
                "reason": "岗位需要",
            }
        },
    )

    sub: UUID
    role: PlatformRole | None = Field(description="拟任的角色；空为免去现任角色")
    reason: str = Field(min_length=2, max_length=200)


class ProposalOut(BaseModel):
    """A proposal."""

    id: UUID
    sub: UUID
    name: str = Field(description="姓名")
    role: PlatformRole | None = Field(description="拟任的角色；空为免去现任角色")
    reason: str
    proposed_by: UUID = Field(description="提议人的标识")
    proposed_role: PlatformRole = Field(description="提议人的角色")
    proposed_at: datetime = Field(description="提议时间")
    status: ProposalStatus
    decided_by: UUID | None = Field(description="确认人的标识")
    decided_at: datetime | None

    @classmethod
    def of(cls, found: tuple[PlatformProposal, Account]) -> "ProposalOut":
        """Return the schema of a proposal."""
        row, account = found
        return cls(
            id=row.id,
            sub=row.account_id,
            name=account.name,
            role=row.role,
            reason=row.reason,
            proposed_by=row.proposed_by,
            proposed_role=row.proposed_role,
            proposed_at=row.proposed_at,
            status=row.status,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
        )
