"""API schemas of received notices and receipts."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.documents import AnswerStatus, NoticeKind, ReturnStatus, Urgency
from contracts.vocabulary import NoticeStatus
from office.assignments.schemas import AssignmentOut
from office.directory.models import Unit
from office.directory.schemas import UnitRef
from office.dispatches.rules import is_late
from office.forwarding.schemas import ForwardingOut
from office.notices.models import Notice
from office.notices.schemas import DraftOut, NoticeRef
from office.notices.service import Related
from office.receipts.inbox_repository import InboxCounts
from office.receipts.receiving import SignedNotice
from office.receipts.service import NoticeView
from office.returns.schemas import Reason, ReturnOut
from servicekit.paging import Total


class SignForIn(BaseModel):
    """代签: why the unit cannot sign itself."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(description="代签原因", examples=["该校网络故障，已电话确认收到。"])


class SignatureOut(BaseModel):
    """签收: one per unit and notice."""

    notice_id: UUID
    unit_id: UUID
    unit_name: str = Field(description="签收单位的名称", examples=["历下区学生资助管理中心"])
    signed_by: UUID = Field(description="签收人")
    signed_by_name: str | None = Field(description="签收人姓名", examples=["张三"])
    signed_at: datetime = Field(description="签收时间", examples=["2023-04-27T03:12:00Z"])
    late: bool = Field(description="是否逾期签收", examples=[False])
    on_behalf: bool = Field(description="是否由上级单位代签", examples=[False])
    signing_unit: UnitRef | None = Field(description="代签单位；本单位自行签收的为空")
    reason: str | None = Field(description="代签原因")

    @classmethod
    def of(cls, signed: SignedNotice) -> Self:
        """Convert a stored signature."""
        signature = signed.signature
        return cls(
            notice_id=signature.notice_id,
            unit_id=signature.unit_id,
            unit_name=signed.unit_name,
            signed_by=signature.signed_by,
            signed_by_name=signed.name,
            signed_at=signature.signed_at,
            late=signature.late,
            on_behalf=signature.signing_unit_id is not None,
            signing_unit=_ref(signed.signing_unit),
            reason=signature.reason,
        )


class ReadOut(BaseModel):
    """已读: one per person and notice."""

    notice_id: UUID
    read_at: datetime | None = Field(
        description="首次阅读时间；发文单位的人员不计，为空", examples=["2023-04-27T03:10:00Z"]
    )


class CoverOut(BaseModel):
    """The cover text of a unit that forwarded the notice."""

    unit: UnitRef
    cover_text: str = Field(description="转发意见", examples=["现转发给你们，请认真组织参加。"])
    forwarded_at: datetime


class DeliveryOut(BaseModel):
    """The delivery of the notice to the caller's unit."""

    sender: UnitRef | None = Field(description="来文单位（上级）")
    delivered_at: datetime = Field(description="送达时间")
    deadline: datetime = Field(description="上级要求的办理截止时间")
    covers: list[CoverOut] = Field(description="各级转发意见，自上而下")


class RelatedOut(NoticeRef):
    """A notice that replaces another one, or is replaced by it."""

    received: bool = Field(description="本单位是否已收到，可以打开", examples=[True])

    @classmethod
    def of_related(cls, related: Related | None) -> Self | None:
        """Convert a related notice."""
        if related is None:
            return None
        notice = related.notice
        return cls(
            id=notice.id,
            title=notice.title,
            document_number=notice.document_number,
            received=related.received,
        )


class NoticeOut(DraftOut):
    """A notice, as displayed to the caller's unit."""

    publisher: UnitRef | None = Field(description="发文单位")
    delivery: DeliveryOut | None = Field(description="来文信息；本单位为发文单位时为空")
    signature: SignatureOut | None = Field(description="本单位的签收")
    given_back: ReturnOut | None = Field(description="本单位最近一次退回")
    assignment: AssignmentOut | None = Field(description="本单位目前的承办")
    forwardings: list[ForwardingOut] = Field(description="本单位的历次转发（发文单位的第一次为发布）")
    read_at: datetime | None = Field(description="本人首次阅读时间")
    replaces: RelatedOut | None = Field(description="该通知所替代的通知")
    replaced_by: RelatedOut | None = Field(description="替代该通知的新通知")
    asks_answer: bool = Field(description="是否要求答复", examples=[True])
    answer: AnswerStatus | None = Field(description="本单位答复的状态；尚未填写的为空", examples=["draft"])

    @classmethod
    def of_view(cls, view: NoticeView) -> Self:
        """Convert a view."""
        delivery = None
        if view.delivery is not None:
            delivery = DeliveryOut(
                sender=_ref(view.sender),
                delivered_at=view.delivery.forwarded_at,
                deadline=view.delivery.deadline,
                covers=[
                    CoverOut(
                        unit=UnitRef.model_validate(cover.unit),
                        cover_text=cover.forwarding.cover_text or "",
                        forwarded_at=cover.forwarding.forwarded_at,
                    )
                    for cover in view.covers
                ],
            )
        return cls(
            **DraftOut.of(view.notice).model_dump(),
            publisher=_ref(view.publisher),
            delivery=delivery,
            signature=None if view.signature is None else SignatureOut.of(view.signature),
            given_back=(
                None if view.given_back is None else ReturnOut.of(view.given_back, view.unit, view.names)
            ),
            assignment=None if view.assigned is None else AssignmentOut.of_one(view.assigned),
            forwardings=[ForwardingOut.of(one, view.unit, view.names) for one in view.forwardings],
            read_at=view.read_at,
            replaces=RelatedOut.of_related(view.replaces),
            replaced_by=RelatedOut.of_related(view.replaced_by),
            asks_answer=view.asks_answer,
            answer=view.answer,
        )


class Tombstone(BaseModel):
    """A withdrawn notice, as displayed to recipients."""

    id: UUID
    status: Literal[NoticeStatus.WITHDRAWN] = NoticeStatus.WITHDRAWN
    title: str = Field(description="原标题", examples=["关于举办全国学生资助业务培训的通知"])
    withdrawn_at: datetime = Field(description="撤回时间", examples=["2023-04-27T03:00:00Z"])
    reason: str | None = Field(description="撤回原因", examples=["会议时间调整，另行通知。"])

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """Convert a withdrawn notice."""
        assert notice.withdrawn_at is not None
        return cls(
            id=notice.id,
            title=notice.title,
            withdrawn_at=notice.withdrawn_at,
            reason=notice.withdraw_reason,
        )


class ReceivedOut(BaseModel):
    """A notice in the inbox."""

    id: UUID
    status: NoticeStatus = Field(description="状态", examples=["published"])
    kind: NoticeKind = Field(description="文种", examples=["notice"])
    document_number: str | None = Field(description="发文字号", examples=["教助中心〔2023〕11号"])
    title: str = Field(description="标题", examples=["关于举办全国学生资助业务培训的通知"])
    urgency: Urgency = Field(description="紧急程度", examples=["normal"])
    publisher: UnitRef | None = Field(description="发文单位")
    withdrawn_at: datetime | None = Field(description="撤回时间；没有撤回的为空")
    withdraw_reason: str | None = Field(description="撤回原因")
    cover_text: str | None = Field(description="上级的转发意见")
    delivered_at: datetime = Field(description="送达时间")
    deadline: datetime = Field(description="办理截止时间", examples=["2023-05-08T15:59:59Z"])
    overdue: bool = Field(description="是否逾期未签收", examples=[False])
    signed: bool = Field(description="本单位是否已签收", examples=[False])
    signed_at: datetime | None = Field(description="签收时间")
    late: bool = Field(description="是否逾期签收", examples=[False])
    on_behalf: bool = Field(description="是否由上级单位代签", examples=[False])
    asks_answer: bool = Field(description="是否要求答复", examples=[False])
    answer: AnswerStatus | None = Field(description="本单位答复的状态；尚未填写的为空", examples=["draft"])
    returned: ReturnStatus | None = Field(description="退回的状态；没有退回或已重新发送的为空")
    forwarded: bool = Field(description="本单位是否已转发", examples=[False])
    forwarded_at: datetime | None = Field(description="首次转发时间")
    read_at: datetime | None = Field(description="本人首次阅读时间")

    @classmethod
    def of(cls, row: Any, now: datetime) -> Self:
        """Convert a row of `inbox_statements.page`."""
        owing = (
            row.status == NoticeStatus.PUBLISHED
            and row.kind != NoticeKind.ANNOUNCEMENT
            and row.signed_at is None
            and row.returned is None
        )
        publisher = None
        if row.publisher_id is not None:
            publisher = UnitRef(id=row.publisher_id, code=row.publisher_code, name=row.publisher_name)
        return cls(
            id=row.id,
            kind=row.kind,
            status=row.status,
            document_number=row.document_number,
            title=row.title,
            urgency=row.urgency,
            publisher=publisher,
            withdrawn_at=row.withdrawn_at,
            withdraw_reason=row.withdraw_reason,
            cover_text=None if row.status == NoticeStatus.WITHDRAWN else row.cover_text,
            delivered_at=row.delivered_at,
            deadline=row.deadline,
            overdue=owing and is_late(now, row.deadline),
            signed=row.signed_at is not None,
            signed_at=row.signed_at,
            late=bool(row.late),
            on_behalf=row.signing_unit_id is not None,
            asks_answer=row.form_id is not None,
            answer=row.answer,
            returned=row.returned,
            forwarded=row.forwarded_at is not None,
            forwarded_at=row.forwarded_at,
            read_at=row.read_at,
        )


class InboxCountsOut(BaseModel):
    """What waits in an inbox."""

    unread: Total = Field(description="本人未读的")
    unsigned: Total = Field(description="本单位未签收的")
    overdue: Total = Field(description="本单位逾期未签收的")
    unanswered: Total = Field(description="要求答复而本单位未提交的")

    @classmethod
    def of(cls, counts: InboxCounts) -> Self:
        """Convert the counts."""
        return cls(
            unread=Total.of(counts.unread),
            unsigned=Total.of(counts.unsigned),
            overdue=Total.of(counts.overdue),
            unanswered=Total.of(counts.unanswered),
        )


def _ref(unit: Unit | None) -> UnitRef | None:
    return None if unit is None else UnitRef.model_validate(unit)
