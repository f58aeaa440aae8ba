"""Sessions and their access tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import Audience
from portal.base import Base
from servicekit.words import Word, known


class BrowserSession(Base):
    """A signed-in browser, or a wall display, which has no person. Deleted at its end, or pruned."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_sub", "sub"),
        Index("ix_sessions_sid", "sid"),
        Index("ix_sessions_expires_at", "expires_at"),
        CheckConstraint("(sub IS NULL) = (sid IS NULL)", "person_with_session"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(
        LargeBinary, unique=True, comment="SHA-256 of the value in the cookie, which has 256 random bits"
    )
    sub: Mapped[UUID | None] = mapped_column(comment="none: a wall display")
    sid: Mapped[str | None] = mapped_column(Text, comment="the session at Identity")
    acr: Mapped[str | None] = mapped_column(Text)
    auth_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="to a minute")
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="idle or absolute")
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="absolute")
    browser: Mapped[str] = mapped_column(Text, comment="what the browser says it is")
    key: Mapped[bytes] = mapped_column(LargeBinary, comment="encrypted; tokens are bound to it")
    refresh_token: Mapped[bytes] = mapped_column(LargeBinary, comment="encrypted")
    refreshing_until: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="a process is asking Identity for a token"
    )

    @property
    def person(self) -> UUID:
        """Who is signed in. Not for wall displays."""
        assert self.sub is not None
        return self.sub


class AccessToken(Base):
    """The access token of a session for one service."""

    __tablename__ = "access_tokens"
    __table_args__ = (known("audience", Audience, "audience_known"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    audience: Mapped[Audience] = mapped_column(Word(Audience), primary_key=True)
    token: Mapped[bytes] = mapped_column(LargeBinary, comment="encrypted")
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
