"""Browser sessions at the issuer."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from identity.sessions.rules import hash_of
from servicekit.ids import new_id

# A write of last_seen_at on each request would turn every read into a write.
_TOUCH = timedelta(seconds=60)


class SignInRecord(Base):
    """One sign-in of a person, or one that was refused after the first factor; for the person's own list.

    Partitioned by month of `id`, and dropped after `sign_in_days`.
    """

    __tablename__ = "sign_ins"
    __table_args__ = (
        Index("ix_sign_ins_account_id_id", "account_id", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column()
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    means: Mapped[str] = mapped_column(Text)
    """`sms`, `text` (texted from the phone) or `passkey`."""
    refused: Mapped[str | None] = mapped_column(Text)
    """The code of the refusal; None for a success."""
    device: Mapped[str | None] = mapped_column(Text)
    address_masked: Mapped[str | None] = mapped_column(Text)
    place: Mapped[str | None] = mapped_column(Text)
    """Where the address was, by the operator's tables of that time."""
    session_id: Mapped[UUID | None] = mapped_column()


class BrowserSession(Base):
    """One signed-in browser; `id` is the `sid` in tokens. The cookie's secret is stored as a hash.

    One row per sign-in. Partitioned by day of `id`, and dropped when no session of the day can be active.
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
    """Last sign-in by SMS code or passkey, excluding step-ups; the session's lifetime starts here."""
    authenticated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When `acr` and `amr` were last verified, by sign-in or step-up: `auth_time` in tokens."""
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    acr: Mapped[str] = mapped_column(Text)
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text))
    acting_membership_id: Mapped[UUID | None]
    """The membership that tokens of this session act for while it is active; otherwise the primary one."""
    acting_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """`iat` of the session's tokens is not before this instant, which is a whole second."""
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_because: Mapped[str | None] = mapped_column(Text)
    device: Mapped[str | None] = mapped_column(Text)
    """Kind of device and browser at the last sign-in, for the person's own list."""
    address_masked: Mapped[str | None] = mapped_column(Text)
    """The browser's address at the last sign-in, without its last part."""
    place: Mapped[str | None] = mapped_column(Text)
    """Where that address was."""

    def act_for(self, membership_id: UUID, now: datetime) -> datetime:
        """Act for another membership. Return the instant before which tokens were issued for the former one.

        `iat` has whole seconds: with the present one, tokens of this second could not be told apart.
        """
        since = now.replace(microsecond=0) + timedelta(seconds=1)
        if self.acting_since is not None:
            since = max(since, self.acting_since + timedelta(seconds=1))
        self.acting_membership_id, self.acting_since = membership_id, since
        return since

    def opened_by(self, secret: str) -> bool:
        """Return whether `secret` is that of the session's cookie."""
        return hmac.compare_digest(self.secret_hash, hash_of(secret))

    def stale(self, now: datetime) -> bool:
        """Return whether `last_seen_at` of an active session is to be updated."""
        return self.ended_at is None and now - self.last_seen_at > _TOUCH

    def alive(self, now: datetime, idle: timedelta, absolute: timedelta) -> bool:
        """Return whether the session is active: not ended, within the idle and the absolute lifetime."""
        return self.ended_at is None and now < self.last_seen_at + idle and now < self.begun_at + absolute
