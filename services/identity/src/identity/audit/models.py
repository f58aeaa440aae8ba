"""Audit log: actor, action, target, origin and result."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class AuditRecord(Base):
    """One row per security-relevant action. The database rejects updates and deletes.

    At least one row per token: partitioned by month of `id`, and indexed only for the queries that exist, by
    time (`id`), actor, target, request, and action other than that of tokens. Operators archive and drop
    months.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_target_id_id", "target_id", "id"),
        Index("ix_audit_log_actor_id", "actor", "id"),
        Index("ix_audit_log_correlation_id_id", "correlation_id", "id"),
        Index(
            "ix_audit_log_action_id", "action", "id", postgresql_where=text("action <> 'oauth.token_issued'")
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    target_id: Mapped[str | None] = mapped_column(Text)
    correlation_id: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


class AuditSeal(Base):
    """The digest of one closed batch of the audit log: all rows with an `id` in [`from_id`, `until_id`).

    `until_id` of the last seal is the watermark: rows from there on are not sealed yet.
    `audit_review.sealing` seals; docs/adr/0018-audit-partitions.md describes how.
    Some 50,000 seals a year, never pruned.
    """

    __tablename__ = "audit_seals"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    from_id: Mapped[UUID]
    until_id: Mapped[UUID] = mapped_column(unique=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    previous_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    signature: Mapped[str | None] = mapped_column(Text)
    """JWS by a signing key of the issuer: who can write into the database cannot make a seal."""
