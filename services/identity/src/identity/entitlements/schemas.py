"""Schemas of the entitlements API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import EntitlementRequestStatus
from identity.accounts.models import Account
from identity.entitlements.models import Entitlement, EntitlementRequest
from identity.names import PersonName
from identity.units.models import Unit


class EntitlementIn(BaseModel):
    """A permission for a person to use a system."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2, max_length=50, examples=["cockpit"])


class EntitlementWishIn(BaseModel):
    """A request for an entitlement."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2, max_length=50, description="系统的名称", examples=["cockpit"])
    reason: str = Field(min_length=2, max_length=200, examples=["负责本市资助数据分析"])
    sub: UUID | None = Field(default=None, description="为其申请的人员；空为本人")


class EntitlementRequestOut(BaseModel):
    """A request for an entitlement."""

    id: UUID
    sub: UUID
    name: str = Field(description="姓名")
    entitlement: str = Field(description="系统的名称")
    unit_id: UUID
    unit_name: str
    reason: str
    requested_by: UUID = Field(description="申请人的标识")
    requested_by_name: Annotated[str | None, PersonName("requested_by")] = None
    requested_at: datetime
    status: EntitlementRequestStatus
    decided_by: UUID | None = Field(description="审批人的标识")
    decided_by_name: Annotated[str | None, PersonName("decided_by")] = None
    decided_at: datetime | None
    decision_reason: str | None = Field(description="未批准的原因")

    @classmethod
    def of(cls, asked: tuple[EntitlementRequest, Account, Unit]) -> "EntitlementRequestOut":
        """Return the schema of a request."""
        row, account, unit = asked
        return cls(
            id=row.id,
            sub=account.id,
            name=account.name,
            entitlement=row.name,
            unit_id=unit.id,
            unit_name=unit.name,
            reason=row.reason,
            requested_by=row.requested_by,
            requested_at=row.requested_at,
            status=row.status,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            decision_reason=row.decision_reason,
        )


class ReviewOut(BaseModel):
    """An entitlement that is due for review."""

    id: UUID
    sub: UUID
    name: str = Field(description="姓名")
    phone_masked: str
    entitlement: str = Field(description="系统的名称")
    unit_id: UUID
    unit_name: str
    granted_at: datetime = Field(description="授权时间")
    reviewed_at: datetime | None = Field(description="上次复核时间")
    expires_at: datetime

    @classmethod
    def of(cls, held: tuple[Entitlement, Account, Unit]) -> "ReviewOut":
        """Return the schema of an entitlement."""
        row, account, unit = held
        return cls(
            id=row.id,
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            entitlement=row.name,
            unit_id=unit.id,
            unit_name=unit.name,
            granted_at=row.granted_at,
            reviewed_at=row.reviewed_at,
            expires_at=row.expires_at,
        )


class KeptOut(BaseModel):
    """The new end of an entitlement."""

    expires_at: datetime
