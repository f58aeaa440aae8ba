"""Which clients may push for which units, and what was done with that."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from cockpit.pushes.kinds import PushAction
from servicekit.ids import new_id
from servicekit.words import Word, known


class PushGrant(Base):
    """A client may push files of some feeds for a unit, until that is revoked. Kept for ever."""

    __tablename__ = "push_grants"
    __table_args__ = (
        CheckConstraint("cardinality(feeds) > 0", name="some_feeds"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked_by_somebody"),
        Index(
            "uq_push_grants_in_force",
            "client_id",
            "unit_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index("ix_push_grants_unit", "unit_id"),
        Index("ix_push_grants_created", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, comment="of the platform, for people")
    unit_id: Mapped[UUID]
    feeds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[str] = mapped_column(Text, comment="subject of the token")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_by: Mapped[str | None] = mapped_column(Text)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def revoke(self, by: str, now: datetime) -> bool:
        """Revoke it; return False if it was revoked before."""
        if self.revoked_at is not None:
            return False
        self.revoked_by, self.revoked_at = by, now
        return True


class PushRecord(Base):
    """What was done: append-only, as `AccessRefusal` is, and pruned like it."""

    __tablename__ = "push_records"
    __table_args__ = (known("action", PushAction, "action_known"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    action: Mapped[PushAction] = mapped_column(Word(PushAction))
    client_id: Mapped[str] = mapped_column(Text)
    sub: Mapped[str] = mapped_column(Text, comment="who did it: a person, or the client")
    jkt: Mapped[str | None] = mapped_column(Text, comment="thumbprint of the client's key")
    unit_code: Mapped[str] = mapped_column(Text, comment="as it was asked for")
    unit_id: Mapped[UUID | None]
    feed: Mapped[str | None] = mapped_column(Text)
    grant_id: Mapped[UUID | None]
    batch_id: Mapped[UUID | None] = mapped_column(comment="the batch read, or as the sender names it")
    correlation_id: Mapped[str | None] = mapped_column(Text)
