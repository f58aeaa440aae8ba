"""API schemas of forwardings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from office.addressing.schemas import AddressIn, AddressOut, PreviewOut
from office.addressing.service import Preview
from office.directory.models import Unit
from office.dispatches.models import Forwarding
from office.forwarding.service import Forwarded
from servicekit.instants import Instant

# PostgreSQL cannot store NUL; other control characters are input errors.
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]+$"

CoverText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000, pattern=_TEXT)
]


class ForwardIn(BaseModel):
    """转发: whom to, a cover text, and an earlier deadline."""

    model_config = ConfigDict(extra="forbid")

    recipients: AddressIn = Field(
        default_factory=AddressIn, description="主送；默认送直接下级并逐级转发，须在本单位下级范围内"
    )
    cover_text: CoverText | None = Field(
        default=None, description="转发意见", examples=["现转发给你们，请认真组织参加。"]
    )
    deadline: Instant | None = Field(
        default=None,
        description="对下级的办理截止时间，不得晚于上级要求；默认与上级要求相同",
        examples=["2023-05-06T17:30:00+08:00"],
    )


class ForwardPreviewOut(PreviewOut):
    """Whom a forwarding would reach."""

    new: int = Field(description="其中本单位尚未发送过的单位数；为 0 时不能转发", examples=[15])

    @classmethod
    def of_reached(cls, preview: Preview, new: int) -> Self:
        """Convert a preview."""
        return cls(**PreviewOut.of(preview).model_dump(), new=new)


class ForwardingOut(BaseModel):
    """A dispatch of a notice by a unit; for the publisher, the first one is the publication."""

    id: UUID = Field(description="本次转发的标识")
    number: int = Field(description="本单位第几次转发；大于 1 的为补充转发", examples=[1])
    notice_id: UUID
    unit_id: UUID
    unit_name: str = Field(description="转发单位的名称", examples=["山东省学生资助管理中心"])
    recipients: AddressOut = Field(description="主送")
    cover_text: str | None = Field(description="转发意见")
    deadline: datetime = Field(description="对下级的办理截止时间", examples=["2023-05-08T15:59:59Z"])
    forwarded_by: UUID
    forwarded_by_name: str | None = Field(description="转发人姓名；尚未同步时为空", examples=["张三"])
    forwarded_at: datetime

    @classmethod
    def of(cls, forwarding: Forwarding, unit: Unit, names: Mapping[UUID, str]) -> Self:
        """Convert a stored dispatch by `unit`; `names` are those of people."""
        return cls(
            id=forwarding.id,
            number=forwarding.number,
            notice_id=forwarding.notice_id,
            unit_id=forwarding.unit_id,
            unit_name=unit.name,
            recipients=AddressOut.of(forwarding.address()),
            cover_text=forwarding.cover_text,
            deadline=forwarding.deadline,
            forwarded_by=forwarding.forwarded_by,
            forwarded_by_name=names.get(forwarding.forwarded_by),
            forwarded_at=forwarding.forwarded_at,
        )


class ForwardedOut(ForwardingOut):
    """The result of forwarding a notice."""

    delivered_to: int = Field(description="本次新送达的单位数", examples=[15])

    @classmethod
    def of_sent(cls, forwarded: Forwarded) -> Self:
        """Convert a dispatch that was sent."""
        sent = forwarded.sent
        values = ForwardingOut.of(sent.forwarding, forwarded.unit, forwarded.names).model_dump()
        return cls(**values, delivered_to=sent.delivered_to)
