"""Exports and the files that were made."""

from datetime import datetime
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

from contracts.documents import ExportAction, ExportFormat
from contracts.vocabulary import ExportStatus
from office.base import Base
from office.exports.errors import ExportEnded, ExportNotReady
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)


class Export(Base):
    """A file that a person of a unit asked for."""

    __tablename__ = "exports"
    __table_args__ = (
        known("status", ExportStatus, "status"),
        known("format", ExportFormat, "format"),
        CheckConstraint("(status = 'running') = (finished_at IS NULL)", name="finished"),
        Index("ix_exports_created_by", "created_by", "unit_id", "id"),
        Index("ix_exports_running", "id", postgresql_where=text("status = 'running'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Text, doc="which writer makes it")
    subject: Mapped[str] = mapped_column(Text, doc="what it is about, such as notice/0192…")
    name: Mapped[str] = mapped_column(Text, doc="name of the file, without its extension")
    format: Mapped[ExportFormat] = mapped_column(
        Word(ExportFormat), default=ExportFormat.XLSX, server_default=ExportFormat.XLSX.value
    )
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[UUID]
    unit_id: Mapped[UUID] = mapped_column(doc="the unit that the person acts for")
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    status: Mapped[ExportStatus] = mapped_column(Word(ExportStatus), default=ExportStatus.RUNNING)
    job_id: Mapped[UUID | None]
    rows: Mapped[int] = mapped_column(Integer, default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0, doc="of the file, in bytes")
    finished_at: Mapped[datetime | None] = mapped_column(_INSTANT)

    @property
    def file_name(self) -> str:
        """Return the name of the file."""
        return f"{self.name}.{self.format}"

    def end(self, status: ExportStatus, now: datetime, *, rows: int = 0, size: int = 0) -> None:
        """End it. Raises `ExportEnded` if it has ended."""
        if self.status is not ExportStatus.RUNNING:
            raise ExportEnded
        self.status, self.finished_at, self.rows, self.size = status, now, rows, size

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


class ExportEvent(Base):
    """That somebody asked for an export, or fetched its file: who, for which unit, when, and how many rows.

    Kept as long as the record of downloads of files, longer than the exports themselves.
    """

    __tablename__ = "export_log"
    __table_args__ = (
        known("action", ExportAction, "action"),
        Index("ix_export_log_unit", "unit_id", "id"),
        Index("ix_export_log_at", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    export_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    action: Mapped[ExportAction] = mapped_column(Word(ExportAction))
    by: Mapped[UUID]
    unit_id: Mapped[UUID] = mapped_column(doc="the unit that the person acts for")
    at: Mapped[datetime] = mapped_column(_INSTANT)
    rows: Mapped[int] = mapped_column(Integer)

    @classmethod
    def of(cls, export: Export, action: ExportAction, now: datetime) -> "ExportEvent":
        """Return the record that the export's own person did something with it."""
        return cls(
            id=new_id(),
            export_id=export.id,
            kind=export.kind,
            file_name=export.file_name,
            action=action,
            by=export.created_by,
            unit_id=export.unit_id,
            at=now,
            rows=export.rows,
        )
