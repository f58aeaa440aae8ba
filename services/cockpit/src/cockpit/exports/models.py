"""Exports that a job makes, their files, and the record of what people did with files."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from cockpit.exports.errors import ExportEnded, ExportNotReady
from cockpit.exports.rules import FileFormat, Subject, UseAction
from contracts.vocabulary import ExportStatus
from servicekit.ids import new_id
from servicekit.ltree import LTree
from servicekit.words import Word, known

KEEP = timedelta(days=7)
"""How long an export is kept."""
_INSTANT = DateTime(timezone=True)


class Export(Base):
    """A file that a person of a unit asked for and a job makes."""

    __tablename__ = "exports"
    __table_args__ = (
        known("status", ExportStatus, "status_known"),
        known("format", FileFormat, "format_known"),
        CheckConstraint("(status = 'running') = (finished_at IS NULL)", name="finished"),
        Index("ix_exports_created_by", "created_by", "unit_id", "id"),
        Index("ix_exports_running", "id", postgresql_where=text("status = 'running'")),
        Index("ix_exports_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text, comment="of the file, without its extension")
    format: Mapped[FileFormat] = mapped_column(Word(FileFormat))
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="the question")
    created_by: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[UUID] = mapped_column(comment="the unit that the person acts for")
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    status: Mapped[ExportStatus] = mapped_column(Word(ExportStatus), default=ExportStatus.RUNNING)
    job_id: Mapped[UUID | None]
    lines: Mapped[int] = mapped_column(Integer, comment="rows that the file has at most")
    rows: Mapped[int] = mapped_column(Integer, default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0, comment="of the file, in bytes")
    finished_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    error: Mapped[str | None] = mapped_column(Text, comment="why there is no file, for the person")

    @property
    def file_name(self) -> str:
        """Return the name of the file."""
        return f"{self.name}.{self.format.value}"

    @property
    def expires_at(self) -> datetime:
        """Return when it is deleted."""
        return self.created_at + KEEP

    def end(
        self, status: ExportStatus, now: datetime, *, rows: int = 0, size: int = 0, error: str | None = None
    ) -> None:
        """End it. Raises `ExportEnded` if it has ended."""
        if self.status is not ExportStatus.RUNNING:
            raise ExportEnded
        self.status, self.finished_at = status, now
        self.rows, self.size, self.error = rows, size, error

    def check_done(self) -> None:
        """Raise `ExportNotReady` unless the file has been made."""
        if self.status is not ExportStatus.DONE:
            raise ExportNotReady


class ExportPart(Base):
    """A piece of a file: in the database, so that every process has it, complete once its export is done."""

    __tablename__ = "export_parts"

    export_id: Mapped[UUID] = mapped_column(ForeignKey("exports.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ExportUse(Base):
    """That somebody asked for a file, or fetched one that a job had made.

    Append-only: triggers refuse updates, and deletes of rows younger than six months; older ones are pruned
    by `cockpit.records.prune`.
    """

    __tablename__ = "export_uses"
    __table_args__ = (
        known("action", UseAction, "action_known"),
        known("subject", Subject, "subject_known"),
        known("format", FileFormat, "format_known"),
        Index("ix_export_uses_unit_path", "unit_path", postgresql_using="gist"),
        Index("ix_export_uses_at", "at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(_INSTANT)
    action: Mapped[UseAction] = mapped_column(Word(UseAction))
    export_id: Mapped[UUID | None] = mapped_column(comment="none: the file was the answer")
    subject: Mapped[Subject] = mapped_column(Word(Subject))
    format: Mapped[FileFormat] = mapped_column(Word(FileFormat))
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sub: Mapped[str] = mapped_column(Text, index=True)
    client_id: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[UUID]
    unit_path: Mapped[str] = mapped_column(LTree)
    correlation_id: Mapped[str | None] = mapped_column(Text)
