"""Browser sessions at the issuer."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class BrowserSession(Base):
    """One signed-in browser; `id` is the `sid` in tokens. The cookie's secret is stored as a hash.

    Grows with every sign-in. Partitioned by day of `id`, and dropped when none of the day can be alive.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_account_id_live", "account_id", postgresql_where=text("ended_at IS NULL")),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    begun_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """The last sign-in by SMS code or passkey, not a step-up: how long the session lasts counts from it."""
    authenticated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When `acr` and `amr` were last shown, by signing in or stepping up: `auth_time` in tokens."""
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    acr: Mapped[str] = mapped_column(Text)
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_because: Mapped[str | None] = mapped_column(Text)

    def alive(self, now: datetime, idle: timedelta, absolute: timedelta) -> bool:
        """Whether the session may still be used: not ended, not idle too long, not too old."""
        return self.ended_at is None and now < self.last_seen_at + idle and now < self.begun_at + absolute
