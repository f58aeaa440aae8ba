"""The record of refused access."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from servicekit.ids import new_id
from servicekit.ltree import LTree


class AccessRefusal(Base):
    """A refused request for a unit outside the caller's subtree.

    Append-only: triggers refuse updates, and deletes of rows younger than six months; older ones are pruned
    by `cockpit.records.prune`.
    """

    __tablename__ = "access_refusals"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    sub: Mapped[str] = mapped_column(Text, index=True)
    client_id: Mapped[str] = mapped_column(Text)
    acting_unit_id: Mapped[UUID]
    acting_path: Mapped[str] = mapped_column(LTree)
    unit_id: Mapped[UUID]
    unit_path: Mapped[str] = mapped_column(LTree)
    action: Mapped[str] = mapped_column(Text, comment="what was asked for, e.g. overview")
    code: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[str | None] = mapped_column(Text)
