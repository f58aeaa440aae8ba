"""Files, and who downloaded them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import PreviewStatus
from office.base import Base
from office.files.errors import FileAttached, FileNotAttachable
from office.files.rules import MAX_PREVIEWED_BYTES, PREVIEWED
from servicekit.ids import id_at, new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)
_LOOSE = text("subject_kind IS NULL")


class File(Base):
    """An upload. The content is in the store under its digest; equal contents are one object there.

    Rows without a subject are deleted a day after they became so, the others with their subject.
    """

    __tablename__ = "files"
    __table_args__ = (
        known("preview_status", PreviewStatus, "preview_status"),
        CheckConstraint("(subject_kind IS NULL) = (subject_id IS NULL)", name="subject"),
        CheckConstraint("(subject_kind IS NULL) = (loose_since IS NOT NULL)", name="loose"),
        CheckConstraint("(preview_status = 'ready') = (preview_digest IS NOT NULL)", name="preview"),
        CheckConstraint("size > 0", name="size"),
        Index(
            "ix_files_subject",
            *("subject_kind", "subject_id", "position"),
            postgresql_where=text("subject_kind IS NOT NULL"),
        ),
        Index("ix_files_loose", "loose_since", postgresql_where=_LOOSE),
        Index("ix_files_loose_of_person", "uploaded_by", postgresql_where=_LOOSE),
        Index("ix_files_digest", "digest"),
        Index(
            "ix_files_preview_digest", "preview_digest", postgresql_where=text("preview_digest IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID] = mapped_column(doc="the unit that owns it")
    uploaded_by: Mapped[UUID]
    uploaded_at: Mapped[datetime] = mapped_column(_INSTANT)
    name: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text, doc="found in the content")
    size: Mapped[int] = mapped_column(BigInteger, doc="in bytes")
    digest: Mapped[bytes] = mapped_column(LargeBinary, doc="SHA-256")
    subject_kind: Mapped[str | None] = mapped_column(Text, doc="what it is attached to, such as notice")
    subject_id: Mapped[UUID | None]
    position: Mapped[int] = mapped_column(Integer, default=0, doc="among the files of the subject")
    loose_since: Mapped[datetime | None] = mapped_column(_INSTANT, doc="since when it is attached to nothing")
    preview_status: Mapped[PreviewStatus] = mapped_column(Word(PreviewStatus))
    preview_digest: Mapped[bytes | None] = mapped_column(LargeBinary)

    @classmethod
    def loose(
        cls, *, unit_id: UUID, by: UUID, now: datetime, name: str, media_type: str, size: int, digest: bytes
    ) -> "File":
        """Return a new file that is not attached to anything."""
        previewed = media_type in PREVIEWED and size <= MAX_PREVIEWED_BYTES
        return cls(
            id=new_id(),
            unit_id=unit_id,
            uploaded_by=by,
            uploaded_at=now,
            name=name,
            media_type=media_type,
            size=size,
            digest=digest,
            loose_since=now,
            preview_status=PreviewStatus.PENDING if previewed else PreviewStatus.NONE,
        )

    @property
    def etag(self) -> str:
        """Return the entity tag of the content: strong, because it is the digest."""
        return f'"{self.digest.hex()}"'

    @property
    def is_loose(self) -> bool:
        """Return whether it is attached to nothing."""
        return self.subject_kind is None

    def attach(self, kind: str, subject_id: UUID, position: int, *, unit_id: UUID) -> None:
        """Attach it to a subject, or move it there. Raises `FileNotAttachable`.

        A loose file can be attached by the unit that owns it, an attached one stays at its subject.
        """
        if self.is_loose:
            if self.unit_id != unit_id:
                raise FileNotAttachable
        elif (self.subject_kind, self.subject_id) != (kind, subject_id):
            raise FileNotAttachable
        self.subject_kind, self.subject_id, self.position = kind, subject_id, position
        self.loose_since = None

    def detach(self, now: datetime) -> None:
        """Take it from its subject; it is deleted a day later."""
        self.subject_kind, self.subject_id, self.position, self.loose_since = None, None, 0, now

    def check_loose(self) -> None:
        """Raise `FileAttached` unless it is attached to nothing."""
        if not self.is_loose:
            raise FileAttached

    def previewed(self, digest: bytes | None) -> None:
        """Record the picture of its first page, or that none can be made."""
        self.preview_status = PreviewStatus.FAILED if digest is None else PreviewStatus.READY
        self.preview_digest = digest


class Download(Base):
    """That a person has fetched a file or its preview.

    Partitioned by month of `id`; months are dropped after the days of a setting.
    """

    __tablename__ = "file_downloads"
    __table_args__ = (
        Index("ix_file_downloads_file_id_id", "file_id", "id"),
        Index("ix_file_downloads_owner_id_id", "owner_id", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    file_id: Mapped[UUID]
    file_name: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[UUID] = mapped_column(doc="the unit that owns the file")
    by: Mapped[UUID]
    unit_id: Mapped[UUID] = mapped_column(doc="the unit that the person acts for")
    at: Mapped[datetime] = mapped_column(_INSTANT)
    preview: Mapped[bool] = mapped_column(Boolean, doc="only the picture of its first page")

    @classmethod
    def of(cls, file: File, *, by: UUID, unit_id: UUID, now: datetime, preview: bool) -> "Download":
        """Return that a person, who acts for a unit, fetches a file."""
        return cls(
            id=id_at(now),
            file_id=file.id,
            file_name=file.name,
            owner_id=file.unit_id,
            by=by,
            unit_id=unit_id,
            at=now,
            preview=preview,
        )
