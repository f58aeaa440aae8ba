"""Initial access tokens (RFC 7591 §3). The client itself is `oauth.models.Client`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from servicekit.ids import new_id


class InitialAccessToken(Base):
    """Lets its bearer register clients for one unit, so often and so long; stored as a hash."""

    __tablename__ = "initial_access_tokens"
    __table_args__ = (CheckConstraint("uses <= max_uses", name="uses_within"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    owner_unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    note: Mapped[str] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    max_uses: Mapped[int] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, default=0)

    def usable(self, now: datetime) -> bool:
        """Whether one more client may be registered with it."""
        return self.revoked_at is None and now < self.expires_at and self.uses < self.max_uses
