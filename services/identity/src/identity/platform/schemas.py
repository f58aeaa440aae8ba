"""Schemas of the API of the platform's administrators."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.vocabulary import AccountStatus, PlatformRole
from identity.accounts.models import Account
from identity.platform.models import PlatformAdministrator


class PlatformAdminOut(BaseModel):
    """An administrator of the platform."""

    sub: UUID
    name: str = Field(description="姓名")
    phone_masked: str
    status: AccountStatus
    role: PlatformRole = Field(description="三员之一")
    appointed_at: datetime = Field(description="任命时间")
    proposed_by: UUID | None = Field(description="提议人的标识；空为运维人员以命令任命")
    proposed_by_name: str | None
    confirmed_by: UUID | None = Field(description="确认人的标识")
    confirmed_by_name: str | None

    @classmethod
    def of(
        cls, row: PlatformAdministrator, account: Account, names: Mapping[UUID | None, str]
    ) -> "PlatformAdminOut":
        """Return the schema of an administrator; `names` has those of who proposed and confirmed."""
        return cls(
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            status=account.status,
            role=row.role,
            appointed_at=row.appointed_at,
            proposed_by=row.proposed_by,
            proposed_by_name=names.get(row.proposed_by),
            confirmed_by=row.confirmed_by,
            confirmed_by_name=names.get(row.confirmed_by),
        )


class SettingOut(BaseModel):
    """A setting of the platform."""

    name: str = Field(description="设置项的名称", examples=["access_token_seconds"])
    description: str = Field(description="设置项的说明")
    value: bool | int | float | str | None = Field(description="当前值", examples=[300])
