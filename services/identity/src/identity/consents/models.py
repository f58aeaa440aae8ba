"""Consents of people to third-party clients."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class Consent(Base):
    """Consent of a person to a client; at most one is active, withdrawn ones are kept as a record."""

    __tablename__ = "consents"
    __table_args__ = (
        Index(
            "uq_consents_account_id_client_id_live",
            "account_id",
            "client_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.client_id"))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    resources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    granted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
