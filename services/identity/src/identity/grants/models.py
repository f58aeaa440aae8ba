"""Grants: authorizations that people give to clients."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base


class Grant(Base):
    """The authorization of a client by a person in one sign-in; `account_id` is None for a client's own.

    All tokens issued from one authorization refer to it: code, refresh tokens and access tokens. Revoking the
    grant revokes all of them.

    `id` is a UUIDv7 of the time of `expires_at`; the table is partitioned by day of it, and dropped with the
    day. No foreign key refers to a grant, nor from a grant to its session, because both tables drop
    partitions independently.
    """

    __tablename__ = "grants"
    __table_args__ = (
        Index("ix_grants_session_id", "session_id"),
        Index("ix_grants_account_id_client_id", "account_id", "client_id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.client_id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    session_id: Mapped[UUID | None]
    scope: Mapped[str] = mapped_column(Text)
    resources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    auth_time: Mapped[int | None] = mapped_column(BigInteger)
    acr: Mapped[str | None] = mapped_column(Text)
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    dpop_jkt: Mapped[str | None] = mapped_column(Text)
    claims: Mapped[dict[str, list[str]] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    generation: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """The client's `grant_generation` when the grant was made."""
