"""Entitlements to other systems."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class Entitlement(Base):
    """Permission to use another system, e.g. `cockpit`. Withdrawn ones are kept as history."""

    __tablename__ = "entitlements"
    __table_args__ = (
        Index(
            "uq_entitlements_account_id_name_active",
            "account_id",
            "name",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(Text)
    granted_by: Mapped[UUID | None] = mapped_column()
    granted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[UUID | None] = mapped_column()
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def withdraw(self, by: UUID | None, now: datetime) -> None:
        """End the entitlement."""
        self.withdrawn_by = by
        self.withdrawn_at = now
