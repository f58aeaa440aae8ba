"""Schemas of the delegations API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.vocabulary import DelegationEnding, Open, Role
from identity.delegations.repository import Delegated
from identity.names import UnitName
from identity.roles.schemas import RoleCode

MAX_ROLES = 4
"""Roles of one delegation."""


class DelegationIn(BaseModel):
    """A new delegation by the caller in one of their units."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "unit_id": "01930000-0000-7000-8000-000000000001",
                "to": "01930000-0000-7000-8000-0000000000aa",
                "roles": ["handler"],
                "starts_at": "2026-12-01T00:00:00+08:00",
                "ends_at": "2026-12-08T00:00:00+08:00",
                "reason": "出差期间代办",
            }
        },
    )

    unit_id: UUID
    to: UUID = Field(description="受托人的标识，须为本单位人员")
    roles: list[RoleCode] = Field(min_length=1, max_length=MAX_ROLES, description="所委托的角色")
    starts_at: AwareDatetime = Field(description="开始时间")
    ends_at: AwareDatetime = Field(description="截止时间，到时自动失效")
    reason: str = Field(min_length=2, max_length=200)


class DelegationOut(BaseModel):
    """A delegation."""

    id: UUID
    unit_id: UUID
    unit_name: Annotated[str | None, UnitName("unit_id")] = None
    from_sub: UUID = Field(description="委托人的标识")
    from_name: str = Field(description="委托人姓名")
    to_sub: UUID = Field(description="受托人的标识")
    to_name: str = Field(description="受托人姓名")
    roles: list[Open[Role]] = Field(description="所委托的角色")
    reason: str
    starts_at: datetime = Field(description="开始时间")
    ends_at: datetime = Field(description="截止时间")
    revoked_at: datetime | None
    end_cause: Open[DelegationEnding] | None = Field(description="提前结束的原因；空为未提前结束或未记录")
    active: bool = Field(description="当前是否有效")

    @classmethod
    def of(cls, found: Delegated, now: datetime) -> "DelegationOut":
        """Return the schema of a delegation."""
        one = found.delegation
        running = one.revoked_at is None and one.starts_at <= now < one.ends_at
        return cls(
            id=one.id,
            unit_id=one.unit_id,
            from_sub=found.giver.id,
            from_name=found.giver.name,
            to_sub=found.taker.id,
            to_name=found.taker.name,
            roles=list(one.roles),
            reason=one.reason,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            revoked_at=one.revoked_at,
            end_cause=one.end_cause,
            active=running and not set(found.giver_roles).isdisjoint(one.roles),
        )
