"""Exports of the audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class AuditExport(Base):
    """A file with audit rows that an audit administrator has asked for; deleted a week later."""

    __tablename__ = "audit_exports"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[UUID]
    requested_by: Mapped[UUID]
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rows: Mapped[int | None] = mapped_column(BigInteger)
    size: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes of the file."""
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    manifest: Mapped[str | None] = mapped_column(Text)
    """JWS of what the file contains."""

    def finish(self, now: datetime, *, rows: int, size: int, sha256: bytes, manifest: str) -> None:
        """Record the complete file."""
        self.finished_at, self.rows, self.size = now, rows, size
        self.sha256, self.manifest = sha256, manifest


class AuditExportPart(Base):
    """A part of an export's file: a complete gzip member. Deleted with the export."""

    __tablename__ = "audit_export_parts"

    export_id: Mapped[UUID] = mapped_column(
        ForeignKey("audit_exports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
