"""The record of who looked at individual records."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from servicekit.ids import new_id
from servicekit.ltree import LTree


class IndividualUse(Base):
    """A page of individual records that somebody asked for, written before it is read.

    Append-only: triggers refuse updates, and deletes of rows younger than six months; older ones are pruned
    by `cockpit.records.prune`.
    """

    __tablename__ = "individual_uses"
    __table_args__ = (
        Index("ix_individual_uses_unit_path", "unit_path", postgresql_using="gist"),
        Index("ix_individual_uses_at", "at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sub: Mapped[str] = mapped_column(Text, index=True)
    client_id: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[UUID]
    unit_path: Mapped[str] = mapped_column(LTree)
    feed: Mapped[str] = mapped_column(Text)
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    further: Mapped[bool] = mapped_column(comment="a page after the first")
    reason: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[str | None] = mapped_column(Text)
