"""Schemas of the memberships API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import JoinRequestStatus, Role
from identity.accounts.schemas import AccountOut
from identity.memberships.models import Profile


class InviteIn(BaseModel):
    """A new invite to a unit in the caller's subtree."""

    model_config = ConfigDict(extra="forbid")

    roles: list[Role] = Field(min_length=1, max_length=4, examples=[["handler"]])
    days: int = Field(default=7, ge=1, le=30, description="有效天数")
    max_uses: int = Field(default=1, ge=1, le=200, description="可使用次数")


class InviteOut(BaseModel):
    """A new invite. Its code is returned only here, because only its hash is stored."""

    id: UUID
    unit_id: UUID
    code: str | None = Field(default=None, examples=["7K2M-9QXR-4TZB-0HWE"])
    roles: list[Role]
    expires_at: datetime
    revoked_at: datetime | None
    max_uses: int
    uses: int


class JoinIn(BaseModel):
    """A request to join a unit with an invite code."""

    model_config = ConfigDict(extra="forbid")

    invite_code: str = Field(min_length=4, max_length=40, examples=["7K2M-9QXR-4TZB-0HWE"])


class JoinRequestOut(BaseModel):
    """A request to join."""

    id: UUID
    sub: UUID
    name: str
    phone_masked: str
    unit_id: UUID
    unit_name: str
    roles: list[Role]
    status: JoinRequestStatus
    requested_at: datetime
    decided_at: datetime | None
    reason: str | None


class EntitlementIn(BaseModel):
    """A permission for a person to use a system."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2, max_length=50, examples=["cockpit"])


def account_out(profile: Profile) -> AccountOut:
    """An account with its unit and entitlements."""
    return AccountOut(
        sub=profile.account.id,
        name=profile.account.name,
        phone_masked=profile.account.phone_masked,
        status=profile.account.status,
        registered_at=profile.account.registered_at,
        unit_id=None if profile.unit is None else profile.unit.id,
        roles=[] if profile.membership is None else profile.membership.roles,
        entitlements=profile.entitlements,
    )
