"""Uploads and their parts."""

from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from cockpit.uploads.errors import UploadEnded, UploadOffsetMismatch, UploadTooLong
from contracts.intake import BatchMode, UploadStatus
from servicekit.cipher import Cipher
from servicekit.ltree import LTree
from servicekit.words import Word, known


class Upload(Base):
    """A file that arrives in parts: receiving → loading → done or failed; receiving or loading → cancelled.

    Deleted a day (receiving) or a week after its last change (`cockpit.uploads.jobs`). Its parts, which hold
    what the sender sent, are deleted when it ends.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        known("status", UploadStatus, "status_known"),
        known("mode", BatchMode, "mode_known"),
        CheckConstraint("received BETWEEN 0 AND size_bytes", name="received_within_size"),
        Index("ix_uploads_created", "created_at", "id"),
        Index("ix_uploads_touched", "touched_at"),
        Index(
            "ix_uploads_unfinished",
            "created_by",
            postgresql_where=text("status = 'receiving' OR status = 'loading'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[UUID]
    unit_path: Mapped[str] = mapped_column(LTree, comment="authority path at the start")
    batch_id: Mapped[UUID | None] = mapped_column(comment="the caller's id of the batch")
    mode: Mapped[BatchMode] = mapped_column(Word(BatchMode), server_default=BatchMode.NEW)
    parent_id: Mapped[UUID | None] = mapped_column(comment="the batch whose quarantined rows it has")
    content_type: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int] = mapped_column(BigInteger, comment="as declared")
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary, comment="of the file, as declared")
    received: Mapped[int] = mapped_column(BigInteger, comment="bytes in parts")
    status: Mapped[UploadStatus] = mapped_column(Word(UploadStatus))
    job_id: Mapped[UUID | None]
    batch: Mapped[UUID | None] = mapped_column(comment="the batch that it became")
    failure: Mapped[str | None] = mapped_column(Text, comment="problem code")
    reason: Mapped[str | None] = mapped_column(Text, comment="the problem in Chinese")
    created_by: Mapped[str] = mapped_column(Text, comment="subject of the token")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    touched_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    def take(self, offset: int, length: int, now: datetime) -> bool:
        """Count a part; return whether the file is complete.

        Raises `UploadEnded`, `UploadOffsetMismatch`, `UploadTooLong`.
        """
        if self.status is not UploadStatus.RECEIVING:
            raise UploadEnded
        if offset != self.received:
            raise UploadOffsetMismatch.at(self.received)
        if offset + length > self.size_bytes:
            raise UploadTooLong
        self.received += length
        self.touched_at = now
        return self.received == self.size_bytes

    def load(self, job_id: UUID) -> None:
        """Begin to take in the complete file."""
        self.status, self.job_id = UploadStatus.LOADING, job_id

    def cancel(self, now: datetime) -> None:
        """Cancel the upload. Raises `UploadEnded`."""
        if self.status not in {UploadStatus.RECEIVING, UploadStatus.LOADING}:
            raise UploadEnded
        self.status, self.touched_at = UploadStatus.CANCELLED, now

    def finish(self, batch: UUID, now: datetime) -> None:
        """Record the batch that the file became."""
        self.status, self.batch, self.touched_at = UploadStatus.DONE, batch, now

    def fail(self, code: str, reason: str, now: datetime) -> None:
        """Record why the file was refused."""
        self.status, self.failure, self.reason, self.touched_at = UploadStatus.FAILED, code, reason, now


class UploadPart(Base):
    """A part of an upload."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bool] = mapped_column(server_default=false(), comment="false in parts of earlier releases")

    @classmethod
    def sealed_of(cls, cipher: Cipher, upload_id: UUID, start: int, content: bytes) -> Self:
        """Encrypt a part for its place: nobody has judged yet what the sender put into it."""
        sealed = cipher.seal(_purpose(upload_id, start), content)
        return cls(upload_id=upload_id, start=start, content=sealed, sealed=True)

    def opened(self, cipher: Cipher) -> bytes:
        """Return what the sender sent. Raises `cryptography.exceptions.InvalidTag` under another key."""
        return (
            cipher.open(_purpose(self.upload_id, self.start), self.content) if self.sealed else self.content
        )


def _purpose(upload_id: UUID, start: int) -> str:
    return f"upload/{upload_id}/{start}"
