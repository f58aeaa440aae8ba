"""The replica tables of Identity's units."""

from datetime import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from replica.models import FormerPlaceColumns, UnitColumns


class Unit(UnitColumns, Base):
    """A unit as last replicated from Identity."""

    placed_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True),
        comment="since when it has had its place, status, level and kind; null: not known",
    )


class FormerPlace(FormerPlaceColumns, Base):
    """What a unit was before: facts that arrive late are judged by it."""
