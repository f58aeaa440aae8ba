"""The notice. There are no foreign keys to units, because a replica is filled in any order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import NoticeStatus
from office.addressing.models import AddressColumns, address_constraints
from office.addressing.rules import ALL_CHILDREN, Address
from office.base import Base
from office.dispatches.models import Forwarding
from office.notices.errors import NotDraft, NoticeWithdrawn, NotPublished
from office.notices.rules import Urgency
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)


@dataclass(frozen=True)
class NoticeContent:
    """Content written by the drafter. `deadline` and `deadline_workdays` are mutually exclusive."""

    document_number: str
    title: str
    body: list[str]
    urgency: Urgency
    attachments: list[dict[str, Any]]
    deadline: datetime | None
    deadline_workdays: int | None
    recipients: Address = ALL_CHILDREN


class Notice(AddressColumns, Base):
    """A notice: draft → published → withdrawn. Its address is that of its publication."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("publisher_id", "document_number"),
        known("status", NoticeStatus, "status"),
        CheckConstraint("urgency IN ('平件', '加急', '特急')", name="urgency"),
        CheckConstraint("(status = 'draft') = (published_at IS NULL)", name="published"),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
        *address_constraints(),
        Index("ix_notices_outbox", "publisher_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    publisher_id: Mapped[UUID]
    document_number: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[list[str]] = mapped_column(ARRAY(Text), doc="paragraphs")
    urgency: Mapped[str] = mapped_column(Text)
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    status: Mapped[NoticeStatus] = mapped_column(Word(NoticeStatus), default=NoticeStatus.DRAFT)
    deadline_workdays: Mapped[int | None] = mapped_column(Integer)
    deadline: Mapped[datetime | None] = mapped_column(_INSTANT)
    picked: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)
    published_by: Mapped[UUID | None]
    published_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    withdrawn_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    version: Mapped[int] = mapped_column(Integer, default=1)

    @classmethod
    def draft(cls, content: NoticeContent, *, publisher: UUID, by: UUID, now: datetime) -> "Notice":
        """Create a draft of the unit `publisher`."""
        notice = cls(
            id=new_id(),
            publisher_id=publisher,
            created_by=by,
            created_at=now,
            status=NoticeStatus.DRAFT,
            version=0,
        )
        notice._write(content, now)
        return notice

    @property
    def urgency_class(self) -> Urgency:
        """The urgency as one of its three values."""
        return cast(Urgency, self.urgency)

    @property
    def recipients(self) -> Address:
        """Whom the publication addresses."""
        return self.address(self.picked)

    def edit(self, content: NoticeContent, *, now: datetime) -> None:
        """Replace the content of a draft. Raises `NotDraft`."""
        if self.status is not NoticeStatus.DRAFT:
            raise NotDraft
        self._write(content, now)

    def publish(self, *, by: UUID, now: datetime, deadline: datetime) -> None:
        """Publish a draft (签发), due at `deadline`. Raises `NotDraft`."""
        if self.status is not NoticeStatus.DRAFT:
            raise NotDraft
        self.status = NoticeStatus.PUBLISHED
        self.published_by = by
        self.published_at = now
        self.deadline = deadline
        self._touch(now)

    def withdraw(self, *, by: UUID, now: datetime) -> None:
        """Withdraw a published notice (撤回). Raises `NotPublished`, `NoticeWithdrawn`."""
        self.check_published()
        self.status = NoticeStatus.WITHDRAWN
        self.withdrawn_by = by
        self.withdrawn_at = now
        self._touch(now)

    def check_published(self) -> None:
        """Raise `NotPublished` or `NoticeWithdrawn` unless the notice is published."""
        if self.status is NoticeStatus.WITHDRAWN:
            raise NoticeWithdrawn
        if self.status is not NoticeStatus.PUBLISHED:
            raise NotPublished

    def _write(self, content: NoticeContent, now: datetime) -> None:
        self.document_number = content.document_number
        self.title = content.title
        self.body = content.body
        self.urgency = content.urgency
        self.attachments = content.attachments
        self.deadline = content.deadline
        self.deadline_workdays = content.deadline_workdays
        self.set_address(content.recipients)
        self.picked = list(content.recipients.picked)
        self._touch(now)

    def _touch(self, now: datetime) -> None:
        self.updated_at = now
        self.version += 1


class VisibleNotice(NamedTuple):
    """A notice as seen by one unit.

    `delivery` is the dispatch by which the unit has it, None for the publisher. `path` is the unit's path at
    that time.
    """

    notice: Notice
    delivery: Forwarding | None
    path: str
