"""Operations on widgets."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.actors import Actor
from sample.widgets import rules
from sample.widgets.errors import BadWidgetTitle
from sample.widgets.models import Widget
from sample.widgets.repository import WidgetRepository
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.paging import Cut, PageRequest, cut
from servicekit.problems import NotFound


class Widgets:
    """Manage widgets within one request."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._clock = clock
        self._widgets = WidgetRepository(session)

    async def create(self, actor: Actor, title: str) -> Widget:
        """Create a widget of the actor's unit. Raises `BadWidgetTitle`."""
        cleaned = rules.clean_title(title)
        if cleaned is None:
            raise BadWidgetTitle
        widget = Widget(
            id=new_id(),
            unit_id=actor.unit_id,
            unit_path=actor.acting.path,
            title=cleaned,
            created_by=actor.sub,
            created_at=self._clock.now(),
            version=1,
        )
        await self._widgets.save(widget)
        return widget

    async def get(self, actor: Actor, widget_id: UUID) -> Widget:
        """Return a widget of the actor's unit or of a unit below it. Raises `NotFound`."""
        widget = await self._widgets.find(widget_id, actor.acting.path)
        if widget is None:
            raise NotFound
        return widget

    async def list(self, actor: Actor, paging: PageRequest) -> Cut[Widget]:
        """Return widgets in the actor's subtree, newest first. Raises `BadCursor`."""
        after = paging.key(UUID)
        widgets = await self._widgets.below(
            actor.acting.path, after=None if after is None else after[0], limit=paging.limit + 1
        )
        return cut(widgets, paging.limit, lambda widget: [widget.id])

    async def close(self, actor: Actor, widget_id: UUID) -> Widget:
        """Close a widget of the actor's own unit. Raises `NotFound`, `WidgetClosed`."""
        widget = await self._widgets.lock(widget_id, actor.unit_id)
        if widget is None:
            raise NotFound
        widget.close(self._clock.now())
        await self._widgets.save(widget)
        return widget
