"""Exports of a person's data, and requests to close an account."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import ExportStatus
from identity.base import Base
from servicekit.ids import new_id
from servicekit.words import Word, known

SEALED_FOR = "data-export"


class DataExport(Base):
    """One export; the file is encrypted in the row, because it contains what is encrypted elsewhere, too.

    Deleted after seven days.
    """

    __tablename__ = "data_exports"
    __table_args__ = (
        Index("ix_data_exports_account_id", "account_id"),
        Index("ix_data_exports_requested_at", "requested_at"),
        known("status", ExportStatus, "status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    status: Mapped[ExportStatus] = mapped_column(Word(ExportStatus))
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    file_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class AccountClosing(Base):
    """A request to close an account, until it is cancelled or done. Kept: it contains no personal data but
    ids.
    """

    __tablename__ = "account_closings"
    __table_args__ = (
        Index(
            "uq_account_closings_account_id_open",
            "account_id",
            unique=True,
            postgresql_where=text("finished_at IS NULL"),
        ),
        Index("ix_account_closings_due_at", "due_at", postgresql_where=text("finished_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(Text)
    """`closed`, `cancelled`, or the code of what stood against it at the end."""

    def finish(self, outcome: str, now: datetime) -> None:
        """End the request."""
        self.finished_at, self.outcome = now, outcome
