"""Schemas of the API of requests to join."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import JoinRequestStatus, Open, Role
from identity.accounts.models import Account
from identity.joining.models import JoinRequest
from identity.units.models import Unit


class JoinIn(BaseModel):
    """A request to join a unit with an invite code."""

    model_config = ConfigDict(extra="forbid")

    invite_code: str = Field(min_length=4, max_length=40, examples=["7K2M-9QXR-4TZB-0HWE"])


class CountOut(BaseModel):
    """A number of things."""

    count: int = Field(description="数量")


class JoinRequestOut(BaseModel):
    """A request to join."""

    id: UUID
    sub: UUID
    name: str
    phone_masked: str
    unit_id: UUID
    unit_name: str
    roles: list[Open[Role]]
    status: JoinRequestStatus
    requested_at: datetime
    decided_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, row: tuple[JoinRequest, Account, Unit]) -> "JoinRequestOut":
        """Return a request as its applicant and administrators see it."""
        request, account, unit = row
        return cls(
            id=request.id,
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            unit_id=unit.id,
            unit_name=unit.name,
            roles=list(request.roles),
            status=request.status,
            requested_at=request.requested_at,
            decided_at=request.decided_at,
            reason=request.reason,
        )
