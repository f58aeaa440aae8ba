"""The replica tables of Identity's units."""

from datetime import datetime

from sqlalchemy import DateTime, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from replica.models import FormerPlaceColumns, UnitColumns


class Unit(UnitColumns, Base):
    """A unit as last replicated from Identity."""

    placed_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True),
        comment="since when it has had its place, status, level and kind; null: not known",
    )


Index(
    "ix_units_aid_offices",
    Unit.region_code,
    postgresql_where=text("kind = 'student_aid' AND status = 'active'"),
    postgresql_ops={"region_code": "text_pattern_ops"},
)


class FormerPlace(FormerPlaceColumns, Base):
    """What a unit was before: facts that arrive late are judged by it."""
