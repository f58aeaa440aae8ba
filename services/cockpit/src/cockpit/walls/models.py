"""Wall displays of units."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from cockpit.walls.errors import WallEnded

_INSTANT = DateTime(timezone=True)


class WallDisplay(Base):
    """A device that a person allowed to show a unit's views, by the grant of its tokens.

    Without its row, tokens of a grant open nothing.
    """

    __tablename__ = "wall_displays"
    __table_args__ = (Index("ix_wall_displays_unit_id", "unit_id", "grant_id"),)

    grant_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text, index=True)
    approved_by: Mapped[UUID]
    approver: Mapped[str] = mapped_column(Text, comment="name of the person")
    approved_at: Mapped[datetime] = mapped_column(_INSTANT)
    expires_at: Mapped[datetime] = mapped_column(_INSTANT)
    last_seen_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    ended_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    ended_by: Mapped[str | None] = mapped_column(Text, comment="who stopped it here; none: ended at Identity")

    def live(self, now: datetime) -> bool:
        """Return whether it may still show anything."""
        return self.ended_at is None and now < self.expires_at

    def stop(self, sub: str | None, now: datetime) -> None:
        """End it for good. Raises `WallEnded`."""
        if self.ended_at is not None:
            raise WallEnded
        self.ended_at, self.ended_by = now, sub
