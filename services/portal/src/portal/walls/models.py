"""Displays that wait to be allowed."""

from datetime import datetime

from sqlalchemy import DateTime, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.base import Base


class WallRequest(Base):
    """A display that shows a code. Deleted when it is decided; expired ones are pruned.

    An allowed display goes on as a session (`portal.sessions`) with the same cookie.
    """

    __tablename__ = "wall_requests"

    secret_hash: Mapped[bytes] = mapped_column(
        LargeBinary, primary_key=True, comment="SHA-256 of the value in the cookie, which has 256 random bits"
    )
    key: Mapped[bytes] = mapped_column(LargeBinary, comment="encrypted; tokens will be bound to it")
    device_code: Mapped[bytes] = mapped_column(LargeBinary, comment="encrypted")
    user_code: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text, comment="where a person enters the code")
    link: Mapped[str] = mapped_column(Text, comment="the address with the code")
    interval: Mapped[int] = mapped_column(Integer, comment="seconds between two questions to Identity")
    poll_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="no question before")
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
