"""Templates and their earlier versions."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import NoticeKind
from office.base import Base
from office.writing import richtext
from office.writing.words import pairs_of
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)


@dataclass(frozen=True)
class TemplateContent:
    """What a template says; texts may contain variables."""

    name: str
    kind: NoticeKind
    title: str
    body: str
    """Sanitised HTML."""
    salutation: str | None
    remark: str | None
    hints: dict[str, str]
    """What to enter, by the name of the variable."""
    offered: bool
    """Whether the units below may use it."""

    def texts(self) -> list[str]:
        """Return every text, plain."""
        fields = (self.name, self.title, self.salutation, self.remark, *self.hints.values())
        return [richtext.plain(self.body), *(text for text in fields if text)]


class NoticeTemplate(Base):
    """A template of a unit. A few rows per unit; a retired one is kept, because drafts were made from it."""

    __tablename__ = "notice_templates"
    __table_args__ = (
        known("kind", NoticeKind, "kind"),
        Index("ix_notice_templates_unit_id", "unit_id", "id"),
        Index(
            "uq_notice_templates_name",
            "unit_id",
            "name",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[NoticeKind] = mapped_column(Word(NoticeKind))
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    salutation: Mapped[str | None] = mapped_column(Text)
    remark: Mapped[str | None] = mapped_column(Text)
    hints: Mapped[dict[str, str]] = mapped_column(JSONB)
    offered: Mapped[bool] = mapped_column(Boolean)
    words: Mapped[list[str]] = mapped_column(ARRAY(Text), deferred=True)
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)
    retired_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    version: Mapped[int] = mapped_column(Integer)

    def write(self, content: TemplateContent, *, by: UUID, now: datetime) -> None:
        """Replace the content; it becomes the next version."""
        for name, value in asdict(content).items():
            setattr(self, name, value)
        self.words = pairs_of(*content.texts())
        self.updated_by = by
        self.updated_at = now
        self.version = (self.version or 0) + 1

    def retire(self, by: UUID, now: datetime) -> None:
        """Take the template out of use."""
        self.retired_at = now
        self.updated_by = by
        self.updated_at = now
        self.version += 1


class TemplateVersion(Base):
    """The content of a template in one version."""

    __tablename__ = "notice_template_versions"

    template_id: Mapped[UUID] = mapped_column(ForeignKey("notice_templates.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(_INSTANT)
