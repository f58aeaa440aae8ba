"""The state of the feed."""

from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from office.base import Base


class FeedState(Base):
    """One row: which feed this is, and the last position that has been deleted.

    After a restore from a backup, positions are assigned again: `python -m office restored` replaces
    `epoch` then, so that browsers reload.
    """

    __tablename__ = "task_feed_state"
    __table_args__ = (CheckConstraint("singleton", name="singleton"),)

    singleton: Mapped[bool] = mapped_column(Boolean, primary_key=True, default=True)
    epoch: Mapped[UUID]
    floor: Mapped[int] = mapped_column(BigInteger)
