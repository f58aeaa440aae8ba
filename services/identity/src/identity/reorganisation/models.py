"""What remains to be done for the people of a unit that has ended."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base


class UnitEnding(Base):
    """A unit that was closed or merged, and how many of its people have been dealt with. Nobody acts for it
    any more, whatever is left to do. Kept for ever: one row for each closed unit.
    """

    __tablename__ = "unit_endings"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True)
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    started_by: Mapped[UUID] = mapped_column()
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    people: Mapped[int] = mapped_column(Integer)
    """Memberships when the unit ended."""
    settled: Mapped[int] = mapped_column(Integer, default=0)
    """Memberships that have been ended."""
    job_id: Mapped[UUID | None] = mapped_column()
    """The job that ends the memberships of a large unit."""
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def settle(self, count: int) -> None:
        """Count ended memberships."""
        self.settled += count

    def finish(self, now: datetime) -> None:
        """Note that nothing is left."""
        self.finished_at = now
