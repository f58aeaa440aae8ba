"""Schemas of the accounts API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import AccountStatus
from identity.accounts.models import Account


class AccountOut(BaseModel):
    """An account, as displayed to its owner and to administrators."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "sub": "01930000-0000-7000-8000-0000000000aa",
                "name": "王小明",
                "phone_masked": "138****0000",
                "status": "active",
                "registered_at": "2026-11-22T02:00:00Z",
                "unit_id": None,
                "roles": [],
                "entitlements": [],
            }
        }
    )

    sub: UUID
    name: str
    phone_masked: str
    status: AccountStatus
    registered_at: datetime
    unit_id: UUID | None = None
    roles: list[str] = []
    entitlements: list[str] = []

    @classmethod
    def registered(cls, account: Account) -> "AccountOut":
        """Return the schema of an account that belongs to no unit yet."""
        return cls(
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            status=account.status,
            registered_at=account.registered_at,
        )


class UnmaskedOut(BaseModel):
    """Complete personal data of a person."""

    sub: UUID
    phone: str | None = Field(description="完整手机号；号码已归他人的没有", examples=["13800000000"])
    id_number: str | None = Field(description="完整证件号；未实名核验的没有", examples=["11010519491231002X"])


class ReasonIn(BaseModel):
    """The reason of an administrator's action, for the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=2, max_length=200, examples=["已调离资助工作岗位"])
