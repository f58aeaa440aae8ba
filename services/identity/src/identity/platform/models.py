"""Administrators of the platform."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import PlatformRole
from identity.base import Base
from servicekit.words import Word, known


class PlatformAdministrator(Base):
    """A person with one of the three separated roles (三员分立); nobody has two. A few rows.

    None of them belongs to a unit: triggers of the database refuse it, whoever writes.
    """

    __tablename__ = "platform_roles"
    __table_args__ = (known("role", PlatformRole, "role_known"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    role: Mapped[PlatformRole] = mapped_column(Word(PlatformRole))
    appointed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    proposed_by: Mapped[UUID | None] = mapped_column()
    confirmed_by: Mapped[UUID | None] = mapped_column()
