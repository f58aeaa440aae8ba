"""Memberships of people in units."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.accounts.models import Account
from identity.base import Base
from identity.units.models import Unit
from servicekit.ids import new_id


class Membership(Base):
    """Membership of a person in a unit, with roles and posts. Ended ones are kept as history.

    A person may belong to several units; exactly one of the active memberships is the primary one.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        Index(
            "uq_memberships_account_id_primary",
            "account_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL AND is_primary"),
        ),
        Index(
            "uq_memberships_account_id_unit_id_active",
            "account_id",
            "unit_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_memberships_unit_id_active", "unit_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    is_primary: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    posts: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    """职务, as the unit calls them."""
    duties: Mapped[str | None] = mapped_column(Text)
    """分工: what the person is in charge of."""
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    leaving_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the person asked to leave; the membership ends with the hand-over of open work."""
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    end_reason: Mapped[str | None] = mapped_column(Text)
    approved_by: Mapped[UUID | None] = mapped_column()

    def end(self, now: datetime, reason: str) -> None:
        """End the membership; its row is kept as history."""
        self.ended_at = now
        self.end_reason = reason
        self.is_primary = False


Belonging = tuple[Membership, Unit]
"""An active membership with its unit."""


@dataclass(frozen=True)
class Profile:
    """A person and their active memberships, the primary one first."""

    account: Account
    memberships: tuple[Belonging, ...]
    acting: Belonging | None
    """The membership that the person acts for in a browser; without a browser, the primary one. None also for
    an administrator of the platform (三员分立).
    """

    @property
    def membership(self) -> Membership | None:
        """The acting membership."""
        return None if self.acting is None else self.acting[0]

    @property
    def unit(self) -> Unit | None:
        """The acting unit."""
        return None if self.acting is None else self.acting[1]
