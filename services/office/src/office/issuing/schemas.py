"""API schemas of the life cycle of notices."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from office.issuing.service import Issued
from office.notices.schemas import OwnNoticeOut
from servicekit.instants import Instant

_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$"
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_TEXT)]


class OpinionIn(BaseModel):
    """The opinion of a reviewer."""

    model_config = ConfigDict(extra="forbid")

    opinion: Reason | None = Field(default=None, description="审核意见", examples=["同意"])


class ReturnDraftIn(BaseModel):
    """Why a notice is returned to its drafter."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(description="退回原因", examples=["请补充参训人员范围。"])


class WithdrawIn(BaseModel):
    """Why a notice is withdrawn."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(description="撤回原因，收文单位可见", examples=["会议时间调整，另行通知。"])


class IssueIn(BaseModel):
    """When an issued notice is published."""

    model_config = ConfigDict(extra="forbid")

    publish_at: Instant | None = Field(
        default=None, description="定时发布的时间，90 天以内；不填为立即发布", examples=[None]
    )


class DeadlinePreviewOut(BaseModel):
    """When a notice would have to be handled."""

    deadline: datetime = Field(description="办理截止时间", examples=["2023-05-08T15:59:59Z"])


class IssuedOut(OwnNoticeOut):
    """The result of issuing a notice."""

    delivered_to: int | None = Field(description="送达的单位数；定时发布的为空", examples=[6])

    @classmethod
    def of_issued(cls, issued: Issued) -> Self:
        """Convert a notice that was issued."""
        values = OwnNoticeOut.of_own(issued.own).model_dump()
        return cls(**values, delivered_to=issued.delivered_to)
