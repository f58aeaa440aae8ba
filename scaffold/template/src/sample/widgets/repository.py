"""Queries over widgets. Every query for a caller is limited to the reach of the caller's unit."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from sample.widgets.models import Widget
from servicekit.ltree import under


class WidgetRepository:
    """Read and write widgets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save(self, widget: Widget) -> None:
        """Write a new or changed widget."""
        self._session.add(widget)
        await self._session.flush()

    async def find(self, widget_id: UUID, path: str) -> Widget | None:
        """Return the widget if its unit is at or below `path`."""
        statement = select(Widget).where(Widget.id == widget_id, under(Widget.unit_path, path))
        return (await self._session.scalars(statement)).one_or_none()

    async def lock(self, widget_id: UUID, unit_id: UUID) -> Widget | None:
        """Return the unit's own widget, locked until the transaction ends."""
        statement = select(Widget).where(Widget.id == widget_id, Widget.unit_id == unit_id).with_for_update()
        return (await self._session.scalars(statement)).one_or_none()

    async def below(self, path: str, *, after: UUID | None, limit: int) -> Sequence[Widget]:
        """Return widgets at or below `path`, newest first, starting after the id `after`."""
        statement = select(Widget).where(under(Widget.unit_path, path))
        if after is not None:
            statement = statement.where(Widget.id < after)
        return (await self._session.scalars(statement.order_by(Widget.id.desc()).limit(limit))).all()
