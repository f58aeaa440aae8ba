"""Events that Office publishes."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.base import EventModel
from contracts.documents import NoticeKind, ReturnStatus
from contracts.vocabulary import Open, ReminderReason


class NoticePublishedV1(EventModel):
    """A notice was issued (签发) and sent to units below the publisher."""

    type: ClassVar[str] = "zhuxue.office.notice.published.v1"

    notice_id: UUID
    document_number: str
    title: str
    publisher_unit_id: UUID
    publisher_unit_path: str
    published_at: datetime
    deadline: datetime | None
    kind: Open[NoticeKind] = NoticeKind.NOTICE


class NoticeForwardedV1(EventModel):
    """A unit forwarded a notice to units below it (转发), for the first time or to further units."""

    type: ClassVar[str] = "zhuxue.office.notice.forwarded.v1"

    notice_id: UUID
    unit_id: UUID
    unit_path: str
    forwarded_by: UUID
    forwarded_at: datetime
    forwarding_id: UUID | None = None


class NoticeSignedV1(EventModel):
    """A unit acknowledged receipt of a notice (签收).

    `signing_unit_id`: the unit above that did so for it (代签).
    """

    type: ClassVar[str] = "zhuxue.office.notice.signed.v1"

    notice_id: UUID
    unit_id: UUID
    unit_path: str
    signed_by: UUID
    signed_at: datetime
    signing_unit_id: UUID | None = None


class NoticeReturnedV1(EventModel):
    """A unit returned a notice to its sender (退回)."""

    type: ClassVar[str] = "zhuxue.office.notice.returned.v1"

    notice_id: UUID
    unit_id: UUID
    unit_path: str
    number: int
    to_unit_id: UUID
    returned_by: UUID
    returned_at: datetime


class NoticeReturnDecidedV1(EventModel):
    """The sender confirmed a return or sent the notice again, or the unit cancelled its return."""

    type: ClassVar[str] = "zhuxue.office.notice.return_decided.v1"

    notice_id: UUID
    unit_id: UUID
    number: int
    status: Open[ReturnStatus]
    decided_by: UUID
    decided_at: datetime


class AnswerSubmittedV1(EventModel):
    """A unit answered a notice by its form (答复); `number` counts its submissions."""

    type: ClassVar[str] = "zhuxue.office.answer.submitted.v1"

    notice_id: UUID
    unit_id: UUID
    unit_path: str
    number: int
    late: bool
    submitted_by: UUID
    submitted_at: datetime


class NoticeWithdrawnV1(EventModel):
    """The publisher withdrew a notice (撤回). Recipients see only that it was withdrawn."""

    type: ClassVar[str] = "zhuxue.office.notice.withdrawn.v1"

    notice_id: UUID
    publisher_unit_id: UUID
    publisher_unit_path: str
    withdrawn_by: UUID
    withdrawn_at: datetime
    reason: str | None = None


class NoticeSupersededV1(EventModel):
    """The publisher has published a newer notice in place of this one (被替代)."""

    type: ClassVar[str] = "zhuxue.office.notice.superseded.v1"

    notice_id: UUID
    publisher_unit_id: UUID
    publisher_unit_path: str
    superseded_by: UUID
    superseded_at: datetime


class NoticeArchivedV1(EventModel):
    """A notice was archived (归档): it can still be read, and nobody can act on it any more."""

    type: ClassVar[str] = "zhuxue.office.notice.archived.v1"

    notice_id: UUID
    publisher_unit_id: UUID
    archived_by: UUID | None
    archived_at: datetime


class HandOverCompletedV1(EventModel):
    """The open work of a person in a unit has been reassigned; `items` is how many things it was."""

    type: ClassVar[str] = "zhuxue.office.handover.completed.v1"

    hand_over_id: UUID
    sub: UUID
    unit_id: UUID
    items: int
    completed_at: datetime


class ReminderRequestedV1(EventModel):
    """Units were reminded (催办) of a notice: to sign it, or to forward what they hold up.

    At most 500 units; one run publishes several. With `sms`, Identity sends text messages to the
    administrators of the units, within its budgets. `reason` is the key of the text.
    """

    type: ClassVar[str] = "zhuxue.office.reminder.requested.v1"

    reminder_id: UUID
    notice_id: UUID
    title: str
    document_number: str | None
    deadline: datetime | None
    reason: Open[ReminderReason]
    sms: bool
    unit_ids: tuple[UUID, ...]
    requested_at: datetime
