"""API schemas of what one unit has done with a notice."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.vocabulary import ReminderReason
from office.directory.schemas import UnitRef
from office.receipts.receiving import SignedNotice
from office.receipts.schemas import SignatureOut
from office.returns.schemas import ReturnOut
from office.unit_coverage.service import UnitView


class ReaderOut(BaseModel):
    """A person who has read the notice."""

    name: str | None = Field(description="姓名；尚未同步时为空", examples=["张三"])
    read_at: datetime = Field(description="首次阅读时间", examples=["2023-04-27T03:10:00Z"])


class PassedOnOut(BaseModel):
    """A dispatch by the unit."""

    number: int = Field(description="第几次转发；大于 1 的为补充转发", examples=[1])
    forwarded_at: datetime = Field(description="转发时间", examples=["2023-04-27T03:20:00Z"])
    forwarded_by_name: str | None = Field(description="转发人姓名；尚未同步时为空", examples=["张三"])
    deadline: datetime = Field(description="对下级的办理截止时间")


class SubmittedOut(BaseModel):
    """A submission of the unit's answer; the answer itself is with the answers."""

    number: int = Field(description="第几次提交", examples=[1])
    submitted_at: datetime = Field(description="提交时间", examples=["2023-04-28T02:00:00Z"])
    submitted_by_name: str | None = Field(description="提交人姓名；尚未同步时为空", examples=["张三"])


class RemindedOut(BaseModel):
    """A reminder that the unit got."""

    at: datetime = Field(description="催办时间", examples=["2023-05-06T01:00:00Z"])
    reason: ReminderReason = Field(description="催办事由", examples=["unsigned"])


class UnitCoverageOut(BaseModel):
    """What a unit has done with a notice."""

    notice_id: UUID
    unit: UnitRef
    counted: bool = Field(
        description="是否计入本单位的覆盖情况；此后新设的、退回已经确认的等不计入", examples=[True]
    )
    sender: UnitRef | None = Field(description="来文单位；未送达的为空")
    delivered_at: datetime | None = Field(
        description="来文单位发送的时间；未送达的为空", examples=["2023-04-27T03:00:00Z"]
    )
    deadline: datetime | None = Field(description="办理截止时间")
    blocked_by: UnitRef | None = Field(description="未送达的，是哪个上级未转发")
    signature: SignatureOut | None = Field(description="签收；未签收的为空")
    readers: int = Field(description="已阅读的人数", examples=[2])
    reads: list[ReaderOut] = Field(description="最先阅读的至多 50 人")
    forwardings: list[PassedOnOut] = Field(description="该单位的各次转发")
    submissions: list[SubmittedOut] = Field(description="答复的各次提交，最近的至多 50 次，从新到旧")
    reminders: list[RemindedOut] = Field(description="收到的催办，最近的至多 50 次，从新到旧")
    returns: list[ReturnOut] = Field(description="退回，从新到旧")

    @classmethod
    def of(cls, view: UnitView) -> Self:
        """Convert what a unit has done."""
        names, dispatch, counted = view.names, view.dispatch, view.standing.counted
        blocked_by = None if counted is None else counted.blocked_by
        sender = None if dispatch is None else view.units.get(dispatch.unit_id)
        return cls(
            notice_id=view.standing.notice.id,
            unit=UnitRef.model_validate(view.standing.unit),
            counted=counted is not None,
            sender=None if sender is None else UnitRef.model_validate(sender),
            delivered_at=None if dispatch is None else dispatch.forwarded_at,
            deadline=view.deadline,
            blocked_by=None if blocked_by is None else UnitRef.model_validate(blocked_by),
            signature=_signature(view),
            readers=view.readers,
            reads=[ReaderOut(name=names.get(one.sub), read_at=one.read_at) for one in view.reads],
            forwardings=[
                PassedOnOut(
                    number=one.number,
                    forwarded_at=one.forwarded_at,
                    forwarded_by_name=names.get(one.forwarded_by),
                    deadline=one.deadline,
                )
                for one in view.forwardings
            ],
            submissions=[
                SubmittedOut(
                    number=one.number,
                    submitted_at=one.submitted_at,
                    submitted_by_name=names.get(one.submitted_by),
                )
                for one in view.submissions
            ],
            reminders=[RemindedOut(at=one.at, reason=one.reason) for one in view.reminders],
            returns=[ReturnOut.of(one, view.standing.unit, names) for one in view.returns],
        )


def _signature(view: UnitView) -> SignatureOut | None:
    signature = view.signature
    if signature is None:
        return None
    for_it = signature.signing_unit_id
    signed = SignedNotice(
        signature,
        view.standing.unit.name,
        view.names.get(signature.signed_by),
        None if for_it is None else view.units.get(for_it),
    )
    return SignatureOut.of(signed)
