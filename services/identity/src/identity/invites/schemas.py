"""Schemas of the invites API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Role
from identity.invites.models import Invite


class InviteIn(BaseModel):
    """A new invite to a unit in the caller's subtree."""

    model_config = ConfigDict(extra="forbid")

    roles: list[Role] = Field(min_length=1, max_length=4, examples=[["handler"]])
    days: int = Field(default=7, ge=1, le=30, description="有效天数")
    max_uses: int = Field(default=1, ge=1, le=200, description="可使用次数")


class InviteOut(BaseModel):
    """An invite. Its code is returned only once, because only its hash is stored."""

    id: UUID
    unit_id: UUID
    code: str | None = Field(default=None, examples=["7K2M-9QXR-4TZB-0HWE"])
    roles: list[Role]
    expires_at: datetime
    revoked_at: datetime | None
    max_uses: int
    uses: int

    @classmethod
    def of(cls, invite: Invite, code: str | None = None) -> "InviteOut":
        """Return an invite as its administrators see it."""
        return cls(
            id=invite.id,
            unit_id=invite.unit_id,
            code=code,
            roles=[Role(role) for role in invite.roles],
            expires_at=invite.expires_at,
            revoked_at=invite.revoked_at,
            max_uses=invite.max_uses,
            uses=invite.uses,
        )
