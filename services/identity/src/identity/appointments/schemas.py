"""Schemas of the API of proposals about the platform's administrators."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import PlatformRole, ProposalStatus
from identity.accounts.models import Account
from identity.appointments.models import PlatformProposal
from identity.names import PersonName


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
    proposed_by_name: Annotated[str | None, PersonName("proposed_by")] = None
    proposed_role: PlatformRole = Field(description="提议人的角色")
    proposed_at: datetime = Field(description="提议时间")
    status: ProposalStatus
    decided_by: UUID | None = Field(description="确认人的标识")
    decided_by_name: Annotated[str | None, PersonName("decided_by")] = None
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
