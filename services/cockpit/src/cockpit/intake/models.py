"""Batches and their rejected rows."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from cockpit.intake.errors import BatchNotReversible, BatchSuperseded
from cockpit.intake.rejected import Rejected
from contracts.intake import BatchFormat, BatchMode, BatchStatus
from servicekit.ltree import LTree
from servicekit.words import Word, known


class Batch(Base):
    """One file, which counts completely or not at all.

    receiving → committed → reversed; receiving → failed or rejected → receiving (another attempt, with a new
    `load_id`). It is rejected if every row is in quarantine.
    """

    __tablename__ = "batches"
    __table_args__ = (
        known("status", BatchStatus, "status_known"),
        known("format", BatchFormat, "format_known"),
        known("mode", BatchMode, "mode_known"),
        CheckConstraint("(status = 'reversed') = (reversal_load_id IS NOT NULL)", name="reversal_has_load"),
        UniqueConstraint("unit_id", "client_key"),
        UniqueConstraint("unit_id", "batch_id"),
        Index("ix_batches_created", "created_at", "id"),
        Index("ix_batches_receiving", "touched_at", postgresql_where=text("status = 'receiving'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[UUID]
    unit_path: Mapped[str] = mapped_column(LTree, comment="authority path at intake")
    batch_id: Mapped[UUID | None] = mapped_column(comment="the caller's id, unique in its unit")
    client_key: Mapped[str | None] = mapped_column(Text, comment="the caller's Idempotency-Key")
    mode: Mapped[BatchMode] = mapped_column(Word(BatchMode), server_default=BatchMode.NEW)
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("batches.id"), index=True, comment="the batch whose quarantined rows it has"
    )
    status: Mapped[BatchStatus] = mapped_column(Word(BatchStatus))
    load_id: Mapped[UUID] = mapped_column(comment="the attempt whose facts count")
    reversal_load_id: Mapped[UUID | None]
    sha256: Mapped[bytes] = mapped_column(LargeBinary, comment="of the file")
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[BatchFormat | None] = mapped_column(Word(BatchFormat), comment="null in earlier releases")
    encoding: Mapped[str | None] = mapped_column(Text, comment="of a text, as it was read")
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="the heading as it came")
    files: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB(none_as_null=True), comment="of an archive: name, lines before it, accepted, rejected"
    )
    accepted: Mapped[int] = mapped_column(BigInteger)
    rejected: Mapped[int] = mapped_column(BigInteger)
    reasons: Mapped[dict[str, int] | None] = mapped_column(
        JSONB, comment="rejected rows by code; null in batches of earlier releases, which keep every row"
    )
    notes: Mapped[dict[str, int] | None] = mapped_column(
        JSONB(none_as_null=True),
        comment="accepted rows by inconsistency with other feeds, when it began to count",
    )
    stripes: Mapped[list[int] | None] = mapped_column(
        ARRAY(SmallInteger), comment="groups of units of its records; null in batches of earlier releases"
    )
    created_by: Mapped[str] = mapped_column(Text, comment="subject of the token")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    touched_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), comment="last sign of life while receiving"
    )
    committed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reversed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reversed_by: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(Text, comment="problem code, or interrupted")

    def begin(
        self,
        load_id: UUID,
        sha256: bytes,
        size: int,
        form: tuple[BatchFormat, str | None, list[str]],
        now: datetime,
    ) -> None:
        """Start another attempt with a file of a format, encoding and headings."""
        self.status, self.load_id, self.failure = BatchStatus.RECEIVING, load_id, None
        self.sha256, self.size_bytes = sha256, size
        self.format, self.encoding, self.columns = form
        self.accepted, self.rejected, self.reasons, self.files, self.notes = 0, 0, None, None, None
        self.touched_at = now

    def touch(self, load_id: UUID, now: datetime) -> None:
        """Record a sign of life of the attempt. Raises `BatchSuperseded` if it has been superseded."""
        if self.status is not BatchStatus.RECEIVING or self.load_id != load_id:
            raise BatchSuperseded
        self.touched_at = now

    def load_again(self, load_id: UUID, again: UUID, now: datetime) -> None:
        """Go on with another load of the same file, which has not begun. Raises `BatchSuperseded`."""
        self.touch(load_id, now)
        self.load_id = again

    def commit(
        self,
        load_id: UUID,
        accepted: int,
        rejected: Rejected,
        notes: Mapping[str, int],
        stripes: Collection[int],
        now: datetime,
    ) -> None:
        """Commit the batch, so that it counts. Raises `BatchSuperseded`."""
        self.touch(load_id, now)
        self.notes = dict(notes)
        self.stripes = sorted(stripes)
        self.status, self.committed_at = BatchStatus.COMMITTED, now
        self.accepted = accepted
        self._count(rejected)

    def reject(self, load_id: UUID, rejected: Rejected, now: datetime) -> None:
        """End the batch without a fact, every row being in quarantine. Raises `BatchSuperseded`."""
        self.touch(load_id, now)
        self.status = BatchStatus.REJECTED
        self._count(rejected)

    def _count(self, rejected: Rejected) -> None:
        self.rejected, self.reasons = rejected.count, dict(rejected.reasons)
        self.files = rejected.files

    def fail(self, reason: str) -> None:
        """Mark the attempt as failed. Raises `BatchSuperseded` if it has already ended."""
        if self.status is not BatchStatus.RECEIVING:
            raise BatchSuperseded
        self.status, self.failure = BatchStatus.FAILED, reason

    def check_reversible(self) -> None:
        """Raise `BatchNotReversible` unless the batch counts."""
        if self.status is not BatchStatus.COMMITTED:
            raise BatchNotReversible

    def reverse(self, load_id: UUID, by: str, now: datetime) -> None:
        """Reverse the batch; `load_id` names the reversing facts. Raises `BatchNotReversible`."""
        self.check_reversible()
        self.status, self.reversal_load_id = BatchStatus.REVERSED, load_id
        self.reversed_by, self.reversed_at = by, now


class BatchSuccession(Base):
    """`batch` has changed, deleted or added again records of `earlier`: it must be withdrawn first."""

    __tablename__ = "batch_successions"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    earlier_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id"), primary_key=True, index=True)


class RecordVersion(Base):
    """Changes whenever a load about units of the stripe begins to count.

    A commit compares its rows with the records that count, without a transaction, and counts only if the
    version has stayed the same since then.
    """

    __tablename__ = "record_versions"

    feed: Mapped[str] = mapped_column(Text, primary_key=True)
    stripe: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)


class RecordTurn(Base):
    """A batch whose records changed while they were compared: later ones of the feed wait until it counts.

    The one that asked first goes first. Deleted at its end; without a sign of life, nobody waits for it.
    """

    __tablename__ = "record_turns"
    __table_args__ = (Index("ix_record_turns_feed", "feed", "asked_at"),)

    batch_id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    alive_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class QuarantinedRow(Base):
    """A rejected row and the reason. Deleted together with its batch."""

    __tablename__ = "quarantined_rows"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    raw: Mapped[list[str]] = mapped_column(
        ARRAY(Text), comment="the fields as they came, personal numbers masked"
    )
    code: Mapped[str] = mapped_column(Text, comment="of the first error")
    reason: Mapped[str] = mapped_column(Text, comment="of all errors")
    errors: Mapped[list[dict[str, str | None]] | None] = mapped_column(
        JSONB, comment="code, reason and column of each error; null in rows of earlier releases"
    )


class DiscardedLoad(Base):
    """A load that does not count and whose facts must be deleted from ClickHouse.

    The row is written before the facts (of a reversal) or in the transaction that discards them. It is
    deleted after the facts, or in the transaction that makes the reversal count. The sweep handles leftovers.
    """

    __tablename__ = "discarded_loads"

    load_id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(Text)
    discarded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    deleting: Mapped[bool] = mapped_column(
        server_default=false(), comment="its facts are being deleted: it can no longer count"
    )
