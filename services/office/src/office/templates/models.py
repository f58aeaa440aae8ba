"""Templates and their earlier versions."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import NoticeKind
from office.base import Base
from office.writing import richtext
from office.writing.kept import KeptColumns, KeptVersionColumns
from servicekit.ids import new_id
from servicekit.words import Word, known


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


class NoticeTemplate(KeptColumns, Base):
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


class TemplateVersion(KeptVersionColumns, Base):
    """The content of a template in one version."""

    __tablename__ = "notice_template_versions"

    template_id: Mapped[UUID] = mapped_column(ForeignKey("notice_templates.id"), primary_key=True)
