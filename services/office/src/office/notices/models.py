"""The notice, what was done with it, and the revisions of its draft.

There are no foreign keys to units, because a replica is filled in any order.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import NoticeKind, NoticeStep, Urgency
from contracts.vocabulary import NoticeStatus
from office.addressing.models import AddressColumns, address_constraints
from office.addressing.rules import Address
from office.base import Base
from office.dispatches.models import Forwarding
from office.notices import rules
from office.notices.content import NoticeContent
from office.notices.errors import (
    AlreadyIssued,
    NotDraft,
    NoticeArchived,
    NoticeSuperseded,
    NoticeWithdrawn,
    NotPublished,
    NotReturnable,
    NotReviewing,
)
from office.templates.rules import variables_in
from office.writing import richtext
from office.writing.words import pairs_of
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)
_UNNUMBERED = "status IN ('draft', 'reviewing', 'reviewed')"


class Notice(AddressColumns, Base):
    """A notice: draft → reviewing → reviewed → issued → published → withdrawn, superseded or archived.

    Its address is that of its publication. One row per notice, kept as a record; only drafts are deleted.
    """

    __tablename__ = "notices"
    __table_args__ = (
        known("status", NoticeStatus, "status"),
        known("kind", NoticeKind, "kind"),
        known("urgency", Urgency, "urgency"),
        CheckConstraint(f"({_UNNUMBERED}) = (document_number IS NULL)", name="numbered"),
        CheckConstraint(f"({_UNNUMBERED}) = (issued_at IS NULL)", name="issued"),
        CheckConstraint(
            f"(published_at IS NULL) = ({_UNNUMBERED} OR status = 'issued') OR status = 'withdrawn'",
            name="published",
        ),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
        CheckConstraint("(status = 'superseded') = (superseded_by_id IS NOT NULL)", name="superseded"),
        *address_constraints(),
        Index("ix_notices_outbox", "publisher_id", "id"),
        Index("ix_notices_words", "words", postgresql_using="gin"),
        Index("ix_notices_due", "publish_at", postgresql_where=text("status = 'issued'")),
        Index("ix_notices_archive", "published_at", postgresql_where=text("status = 'published'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    publisher_id: Mapped[UUID]
    kind: Mapped[NoticeKind] = mapped_column(Word(NoticeKind), default=NoticeKind.NOTICE)
    number_prefix: Mapped[str | None] = mapped_column(Text)
    document_number: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text, doc="sanitised HTML")
    # Only searched: reading them with each row would cost more than all other columns.
    plain: Mapped[str] = mapped_column(Text, deferred=True, doc="the body's text")
    words: Mapped[list[str]] = mapped_column(ARRAY(Text), deferred=True, doc="pairs of characters")
    urgency: Mapped[Urgency] = mapped_column(Word(Urgency))
    salutation: Mapped[str | None] = mapped_column(Text)
    copies: Mapped[str | None] = mapped_column(Text)
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    remark: Mapped[str | None] = mapped_column(Text)
    printing_office: Mapped[str | None] = mapped_column(Text)
    supersedes_id: Mapped[UUID | None]
    status: Mapped[NoticeStatus] = mapped_column(Word(NoticeStatus), default=NoticeStatus.DRAFT)
    deadline_workdays: Mapped[int | None] = mapped_column(Integer)
    deadline: Mapped[datetime | None] = mapped_column(_INSTANT)
    picked: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    picked_groups: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)
    issued_by: Mapped[UUID | None]
    issued_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    publish_at: Mapped[datetime | None] = mapped_column(_INSTANT, doc="when an issued notice is published")
    published_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    withdrawn_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    withdraw_reason: Mapped[str | None] = mapped_column(Text)
    superseded_by_id: Mapped[UUID | None]
    archived_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    version: Mapped[int] = mapped_column(Integer, default=1)

    @classmethod
    def draft(cls, content: NoticeContent, *, publisher: UUID, by: UUID, now: datetime) -> "Notice":
        """Create a draft of the unit `publisher`; `content` is cleaned."""
        notice = cls(
            id=new_id(),
            publisher_id=publisher,
            created_by=by,
            created_at=now,
            status=NoticeStatus.DRAFT,
            version=0,
        )
        notice._write(content, by, now)
        return notice

    @property
    def recipients(self) -> Address:
        """Whom the publication addresses."""
        return self.address(self.picked, self.picked_groups)

    @property
    def content(self) -> NoticeContent:
        """What the drafter has written."""
        return NoticeContent(
            title=self.title,
            body=self.body,
            kind=self.kind,
            urgency=self.urgency,
            number_prefix=self.number_prefix,
            salutation=self.salutation,
            copies=self.copies,
            attachments=self.attachments,
            remark=self.remark,
            printing_office=self.printing_office,
            deadline=self.deadline,
            deadline_workdays=self.deadline_workdays,
            supersedes_id=self.supersedes_id,
            recipients=self.recipients,
        )

    @property
    def missing(self) -> list[tuple[str, str]]:
        """The fields that a document must have and this one lacks: its name and its Chinese name."""
        texts = (
            ("title", "标题", self.title),
            ("body", "正文", richtext.plain(self.body)),
            ("salutation", "主送机关", self.salutation),
            ("remark", "附注", self.remark),
        )
        found: list[tuple[str, str]] = []
        for field, name, value in texts:
            if value == "":
                found.append((field, name))
            names = variables_in([value or ""])
            found.extend((field, f"{name}中的“{variable}”") for variable in names)
        return found

    def edit(self, content: NoticeContent, *, by: UUID, now: datetime) -> None:
        """Replace the content of a draft with a cleaned one. Raises `NotDraft`."""
        self.check_draft()
        self._write(content, by, now)

    def check_draft(self) -> None:
        """Raise `NotDraft` unless it is a draft."""
        if self.status is not NoticeStatus.DRAFT:
            raise NotDraft

    def submit(self, now: datetime) -> None:
        """Submit a draft for review (送审). Raises `NotDraft`."""
        self.check_draft()
        self._become(NoticeStatus.REVIEWING, now)

    def recall(self, now: datetime) -> None:
        """Take a notice back from its review (收回). Raises `NotReviewing`."""
        self.check_reviewing()
        self._become(NoticeStatus.DRAFT, now)

    def approve(self, now: datetime) -> None:
        """End the review (审核通过). Raises `NotReviewing`."""
        self.check_reviewing()
        self._become(NoticeStatus.REVIEWED, now)

    def check_reviewing(self) -> None:
        """Raise `NotReviewing` unless it is under review."""
        if self.status is not NoticeStatus.REVIEWING:
            raise NotReviewing

    def send_back(self, now: datetime) -> None:
        """Return it to its drafter (退回修改). Raises `NotReturnable`."""
        if self.status not in {NoticeStatus.REVIEWING, NoticeStatus.REVIEWED}:
            raise NotReturnable
        self._become(NoticeStatus.DRAFT, now)

    def check_unissued(self) -> None:
        """Raise `AlreadyIssued` unless it has not been issued yet."""
        if self.status not in {NoticeStatus.DRAFT, NoticeStatus.REVIEWING, NoticeStatus.REVIEWED}:
            raise AlreadyIssued

    def issue(self, number: str, *, by: UUID, now: datetime, publish_at: datetime | None) -> None:
        """Issue it (签发), to be published at `publish_at`. Raises `AlreadyIssued`."""
        self.check_unissued()
        self.document_number = number
        self.issued_by = by
        self.issued_at = now
        self.publish_at = publish_at
        self._index()
        self._become(NoticeStatus.ISSUED, now)

    def publish(self, *, now: datetime, deadline: datetime) -> None:
        """Publish an issued notice (发布), due at `deadline`. Raises `NotPublished` for any other."""
        if self.status is not NoticeStatus.ISSUED:
            raise NotPublished
        self.published_at = now
        self.publish_at = None
        self.deadline = deadline
        self._become(NoticeStatus.PUBLISHED, now)

    def postpone(self, now: datetime) -> None:
        """Keep an issued notice from being published by itself."""
        self.publish_at = None
        self._touch(now)

    def withdraw(self, reason: str, *, by: UUID, now: datetime) -> None:
        """Withdraw an issued or published notice (撤回). Raises as `check_published` does."""
        if self.status is not NoticeStatus.ISSUED:
            self.check_published()
        self.withdrawn_by = by
        self.withdrawn_at = now
        self.withdraw_reason = reason
        self._become(NoticeStatus.WITHDRAWN, now)

    def supersede(self, by: UUID, now: datetime) -> None:
        """Note that the notice `by` replaces it (被替代). Raises as `check_published` does."""
        self.check_published()
        self.superseded_by_id = by
        self._become(NoticeStatus.SUPERSEDED, now)

    def archive(self, now: datetime) -> None:
        """Archive it (归档). Raises as `check_published` does."""
        self.check_published()
        self.archived_at = now
        self._become(NoticeStatus.ARCHIVED, now)

    def check_published(self) -> None:
        """Raise `NotPublished`, `NoticeWithdrawn`, `NoticeSuperseded` or `NoticeArchived` unless it is
        published.
        """
        check_published(self.status)

    def _write(self, content: NoticeContent, by: UUID, now: datetime) -> None:
        self.kind = content.kind
        self.number_prefix = content.number_prefix
        self.title = content.title
        self.body = content.body
        self.plain = richtext.plain(content.body)
        self.urgency = content.urgency
        self.salutation = content.salutation
        self.copies = content.copies
        self.attachments = content.attachments
        self.remark = content.remark
        self.printing_office = content.printing_office
        self.deadline = content.deadline
        self.deadline_workdays = content.deadline_workdays
        self.supersedes_id = content.supersedes_id
        self.set_address(content.recipients)
        self.picked = list(content.recipients.picked)
        self.picked_groups = list(content.recipients.groups)
        self.updated_by = by
        self._index()
        self._touch(now)

    def _index(self) -> None:
        self.words = pairs_of(self.title, richtext.plain(self.body), self.document_number or "")

    def _become(self, status: NoticeStatus, now: datetime) -> None:
        self.status = status
        self._touch(now)

    def _touch(self, now: datetime) -> None:
        self.updated_at = now
        self.version += 1


def check_published(status: NoticeStatus) -> None:
    """Raise as `Notice.check_published` does for a notice with this status."""
    if status is NoticeStatus.WITHDRAWN:
        raise NoticeWithdrawn
    if status is NoticeStatus.SUPERSEDED:
        raise NoticeSuperseded
    if status is NoticeStatus.ARCHIVED:
        raise NoticeArchived
    if status is not NoticeStatus.PUBLISHED:
        raise NotPublished


class Step(Base):
    """A step in the history of a notice: who did what when. `by` is None for what a job did."""

    __tablename__ = "notice_steps"
    __table_args__ = (
        known("step", NoticeStep, "step"),
        Index("ix_notice_steps_notice_id", "notice_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"))
    step: Mapped[NoticeStep] = mapped_column(Word(NoticeStep))
    by: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(_INSTANT)
    note: Mapped[str | None] = mapped_column(Text, doc="the reason, or what else is to be known")


class Revision(Base):
    """The content of a draft as one person left it; deleted a year after the archive of the notice."""

    __tablename__ = "notice_revisions"

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID]
    begun_at: Mapped[datetime] = mapped_column(_INSTANT)
    at: Mapped[datetime] = mapped_column(_INSTANT)

    def continues(self, by: UUID, now: datetime) -> bool:
        """Return whether a save by `by` at `now` belongs to this revision."""
        return self.by == by and now - self.begun_at < rules.COALESCED


class VisibleNotice(NamedTuple):
    """A notice as seen by one unit.

    `delivery` is the dispatch by which the unit has it, None for the publisher. `path` is the unit's path at
    that time.
    """

    notice: Notice
    delivery: Forwarding | None
    path: str
