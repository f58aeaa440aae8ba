"""Logout notices on their way to clients (OpenID Connect Back-Channel Logout 1.0)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class LogoutNotice(Base):
    """One client to be told that one session has ended; written with the end itself.

    Deleted once the client has taken it; those given up stay with `dead_at`.
    """

    __tablename__ = "logout_notices"
    __table_args__ = (
        Index("ix_logout_notices_due", "next_attempt_at", postgresql_where=text("dead_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.client_id", ondelete="CASCADE"))
    account_id: Mapped[UUID]
    session_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    dead_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(Text)
