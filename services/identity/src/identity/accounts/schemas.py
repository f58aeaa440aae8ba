"""Schemas of the accounts API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import AccountStatus


class RegistrationIn(BaseModel):
    """A registration: the phone number, the SMS code sent to it, and the legal name."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"phone": "13800000000", "code": "123456", "name": "王小明"}},
    )

    phone: str = Field(min_length=11, max_length=20)
    code: str = Field(pattern=r"^\d{6}$")
    name: str = Field(min_length=1, max_length=50)


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


class ReasonIn(BaseModel):
    """The reason of an administrator's action, for the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=2, max_length=200, examples=["已调离资助工作岗位"])
