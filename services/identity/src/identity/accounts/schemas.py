"""Schemas of the accounts API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import AccountStatus
from identity.codes import rules as code_rules
from identity.codes.schemas import TICKET


class RegistrationIn(BaseModel):
    """A registration: the phone number, the SMS code sent to it with its ticket, and the legal name."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"phone": "13800000000", "ticket": TICKET, "code": "123456", "name": "王小明"}
        },
    )

    phone: str = Field(min_length=5, max_length=40)
    ticket: str = Field(pattern=code_rules.TICKET, description="获取验证码时返回的 `ticket`")
    code: str = Field(
        min_length=6, max_length=500, description="短信中的 6 位数字；可以粘贴整条短信，或含空格的验证码"
    )
    name: str = Field(min_length=1, max_length=100)


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


class UnmaskedOut(BaseModel):
    """Complete personal data of a person."""

    sub: UUID
    phone: str | None = Field(description="完整手机号；号码已归他人的没有", examples=["13800000000"])
    id_number: str | None = Field(description="完整证件号；未实名核验的没有", examples=["11010519491231002X"])


class ReasonIn(BaseModel):
    """The reason of an administrator's action, for the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=2, max_length=200, examples=["已调离资助工作岗位"])
