"""Logout tokens that have been used."""

from datetime import datetime

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.base import Base


class UsedLogoutToken(Base):
    """A logout token, until it would not be accepted any more: it ends sessions once."""

    __tablename__ = "used_logout_tokens"

    jti: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
