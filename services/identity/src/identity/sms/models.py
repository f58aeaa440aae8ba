"""Queued text messages."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id

_PENDING = text("sealed IS NOT NULL")


class SmsMessage(Base):
    """One text message, written in the transaction that causes it and sent after the commit.

    `sealed` contains number and text, encrypted, until the message is sent or dead. Partitioned by day of
    `id`, and dropped a day later.
    """

    __tablename__ = "sms_messages"
    __table_args__ = (
        Index("ix_sms_messages_due", "next_attempt_at", postgresql_where=_PENDING),
        Index("ix_sms_messages_topic", "topic", postgresql_where=_PENDING),
        CheckConstraint(
            "(sealed IS NULL) = (sent_at IS NOT NULL OR dead_at IS NOT NULL)", name="sealed_while_pending"
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    topic: Mapped[bytes | None] = mapped_column(LargeBinary)
    """A newer message of the same topic replaces an unsent one."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    dead_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(Text)
