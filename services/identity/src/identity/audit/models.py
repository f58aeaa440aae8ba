"""Audit log: actor, action, target, origin and result."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class AuditRecord(Base):
    """One row per security-relevant action. The database rejects updates and deletes.

    The table only grows (the law requires at least six months of retention); partitioning by month and
    archiving are planned.
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_target_id_at", "target_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    actor: Mapped[str | None] = mapped_column(Text, index=True)
    action: Mapped[str] = mapped_column(Text)
    target_id: Mapped[str | None] = mapped_column(Text)
    correlation_id: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
