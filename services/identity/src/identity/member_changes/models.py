"""Hand-over of open work by people who leave a unit."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class HandOver(Base):
    """交接: a person's open work in a unit goes to a successor, or to the unit.

    Office acknowledges it with the number of reassigned items. A person who leaves by themselves belongs to
    the unit until then; one who is removed or transferred has left already. Kept for ever: one row for each
    membership that ends.
    """

    __tablename__ = "hand_overs"
    __table_args__ = (
        Index(
            "uq_hand_overs_membership_id_open",
            "membership_id",
            unique=True,
            postgresql_where=text("completed_at IS NULL"),
        ),
        Index("ix_hand_overs_unit_id_id", "unit_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    successor_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    successor_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit that the work goes to, because the person's unit has ended; None for that unit itself."""
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[UUID] = mapped_column()
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    items: Mapped[int | None] = mapped_column(Integer)

    def redirect(self, unit_id: UUID | None, successor: UUID | None) -> None:
        """Let the work go to another unit."""
        self.successor_unit_id, self.successor_id = unit_id, successor

    def complete(self, items: int, now: datetime) -> bool:
        """Record the acknowledgement. Return False if there was one before."""
        if self.completed_at is not None:
            return False
        self.completed_at, self.items = now, items
        return True
