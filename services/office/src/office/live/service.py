"""Opening a stream: what a browser has missed, and then what happens."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from office.actors import Actor
from office.desk.service import Desk
from office.live.feed_repository import FeedRepository
from office.live.hub import MESSAGES, Hub, Subscriber, event_of
from servicekit.sse import EventStream, message, retry, with_id

MOST_MISSED: Final = 500
"""Events that a reconnecting browser gets; one that has missed more reloads."""

_RETRY_MILLISECONDS = 3_000


class Streams:
    """Streams of the caller within one request."""

    def __init__(self, session: AsyncSession, desk: Desk, hub: Hub) -> None:
        self._feed = FeedRepository(session)
        self._desk = desk
        self._hub = hub

    async def open(self, actor: Actor, principal: Principal, last_id: str | None) -> EventStream:
        """Return the stream of a browser, which has the events up to `last_id` already.

        Raises `StreamsUnavailable`, `TooManyStreams`.
        """
        one = self._hub.subscribe(actor.sub, principal)
        try:
            me = await self._desk.me(actor)
            position = self._hub.place(one, me)
            first = await self._first(one, last_id, position)
        except BaseException:
            self._hub.remove(one)
            raise
        self._hub.resume(one, position, [retry(_RETRY_MILLISECONDS), *first])
        return EventStream(one.mailbox, lambda: self._hub.remove(one))

    async def _first(self, one: Subscriber, last_id: str | None, position: int) -> list[bytes]:
        now = one.reader.id_of(position)
        if not last_id:
            return [message(event="ready", data="{}", id_=now)]
        after = one.reader.position_of(last_id)
        if after is None:
            return [message(event="reset", data="{}", id_=now)]
        if after > position:
            # Another process was ahead of this one, which will come to what the browser has already.
            if after > await self._feed.newest():
                return [message(event="reset", data="{}", id_=now)]
            one.heard = after
            return [message(event="ready", data="{}", id_=last_id)]
        units = one.me().places
        missed = await self._feed.missed(one.sub, units, after, position, MOST_MISSED + 1)
        # Read after the entries: they are complete only if none of them has been deleted meanwhile.
        floor = (await self._feed.state()).floor
        if after < floor or len(missed) > MOST_MISSED or any("places" in entry.data for entry in missed):
            return [message(event="reset", data="{}", id_=now)]
        events = [with_id(one.reader.id_of(entry.position), event_of(entry.data)) for entry in missed]
        MESSAGES.labels("task").inc(len(events))
        return [*events, message(event="ready", data="{}", id_=now)]
