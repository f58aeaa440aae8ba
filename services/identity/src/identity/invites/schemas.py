"""Schemas of the invites API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Open, Role
from identity.invites.models import Invite
from identity.memberships.schemas import Post
from identity.names import PersonName, UnitName
from identity.roles.schemas import RoleCode
from servicekit.qr import qr_svg


class InviteIn(BaseModel):
    """A new invite to a unit in the caller's subtree."""

    model_config = ConfigDict(extra="forbid")

    roles: list[RoleCode] = Field(min_length=1, max_length=4, examples=[["handler"]])
    days: int = Field(default=7, ge=1, le=30, description="有效天数")
    max_uses: int = Field(default=1, ge=1, le=200, description="可使用次数")
    posts: list[Post] = Field(default=[], max_length=5, description="职务")
    note: str | None = Field(default=None, max_length=200, description="备注，只有管理员可见")


class InviteOut(BaseModel):
    """An invite. Its code is returned only once, because only its hash is stored."""

    id: UUID
    unit_id: UUID
    unit_name: Annotated[str | None, UnitName("unit_id")] = None
    code: str | None = Field(default=None, examples=["7K2M-9QXR-4TZB-0HWE"])
    link: str | None = Field(default=None, description="加入页面的地址，含邀请码，只返回一次")
    qr_svg: str | None = Field(default=None, description="该地址的二维码（SVG），只返回一次")
    roles: list[Open[Role]]
    posts: list[str]
    note: str | None
    created_at: datetime = Field(description="生成时间")
    created_by: UUID = Field(description="生成人的标识")
    created_by_name: Annotated[str | None, PersonName("created_by")] = None
    expires_at: datetime
    revoked_at: datetime | None
    max_uses: int
    uses: int

    @classmethod
    def of(cls, invite: Invite, code: str | None = None, link: str | None = None) -> "InviteOut":
        """Return an invite, at its creation with the code and the address of the page that takes it."""
        return cls(
            id=invite.id,
            unit_id=invite.unit_id,
            code=code,
            link=link,
            qr_svg=None if link is None else qr_svg(link, "加入单位的二维码"),
            roles=list(invite.roles),
            posts=invite.posts,
            note=invite.note,
            created_at=invite.created_at,
            created_by=invite.created_by,
            expires_at=invite.expires_at,
            revoked_at=invite.revoked_at,
            max_uses=invite.max_uses,
            uses=invite.uses,
        )
