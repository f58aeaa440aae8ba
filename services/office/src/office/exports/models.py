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

from contracts.vocabulary import ExportStatus
from office.base import Base
from office.exports.errors import ExportEnded, ExportNotReady
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)


class Export(Base):
    """An Excel workbook that a person of a unit asked for."""

    __tablename__ = "exports"
    __table_args__ = (
        known("status", ExportStatus, "status"),
        CheckConstraint("(status = 'running') = (finished_at IS NULL)", name="finished"),
        Index("ix_exports_created_by", "created_by", "unit_id", "id"),
        Index("ix_exports_running", "id", postgresql_where=text("status = 'running'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Text, doc="which writer makes it")
    subject: Mapped[str] = mapped_column(Text, doc="what it is about, such as notice/0192…")
    name: Mapped[str] = mapped_column(Text, doc="name of the file, without its extension")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[UUID]
    unit_id: Mapped[UUID] = mapped_column(doc="the unit that the person acts for")
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    status: Mapped[ExportStatus] = mapped_column(Word(ExportStatus), default=ExportStatus.RUNNING)
    job_id: Mapped[UUID | None]
    rows: Mapped[int] = mapped_column(Integer, default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0, doc="of the file, in bytes")
    finished_at: Mapped[datetime | None] = mapped_column(_INSTANT)

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
    """A piece of a file: in the database, so that every process has it, committed with its export."""

    __tablename__ = "export_parts"

    export_id: Mapped[UUID] = mapped_column(ForeignKey("exports.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)
