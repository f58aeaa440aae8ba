"""The table of widgets."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from sample.base import Base
from sample.widgets.errors import WidgetClosed
from servicekit.ids import new_id
from servicekit.ltree import LTree


class Widget(Base):
    """A widget of a unit: open until it is closed.

    One row per widget, never deleted.
    """

    __tablename__ = "widgets"
    __table_args__ = (Index("ix_widgets_unit_path", "unit_path", postgresql_using="gist"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID]
    unit_path: Mapped[str] = mapped_column(LTree)
    title: Mapped[str] = mapped_column(Text)
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer, default=1)

    def close(self, now: datetime) -> None:
        """Close the widget (关闭). Raises `WidgetClosed`."""
        if self.closed_at is not None:
            raise WidgetClosed
        self.closed_at = now
        self.version += 1
