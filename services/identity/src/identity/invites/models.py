"""Invites to units."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from identity.invites.errors import InviteExpired, InviteRevoked, InviteUsedUp
from servicekit.ids import new_id

SEALED_FOR = "invite-phone"


class Invite(Base):
    """A code that allows its holder to request membership; an administrator must still approve. Only its
    keyed hash is stored.
    """

    __tablename__ = "invites"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    posts: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    note: Mapped[str | None] = mapped_column(Text)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The number of the only person who can use the invite; None for anybody who has the code."""
    created_by: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    max_uses: Mapped[int] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, default=0)

    def check(self, now: datetime) -> None:
        """Raise `InviteRevoked`, `InviteExpired` or `InviteUsedUp` if the invite cannot be used."""
        if self.revoked_at is not None:
            raise InviteRevoked
        if now >= self.expires_at:
            raise InviteExpired
        if self.uses >= self.max_uses:
            raise InviteUsedUp

    def use(self, now: datetime) -> None:
        """Count one use. Raises the errors of `check`."""
        self.check(now)
        self.uses += 1

    def revoke(self, now: datetime) -> None:
        """Revoke the invite; idempotent."""
        if self.revoked_at is None:
            self.revoked_at = now
