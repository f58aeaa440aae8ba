"""The connected browsers of one process, and the loop that tells them what has changed.

The process has one database connection for all of them. The loop numbers changes, reads the feed after its
position, and puts each entry into the mailboxes of those whom it concerns. It never waits for a browser.
PostgreSQL wakes it by NOTIFY, its own process by the commit of a change; otherwise it looks twice a second.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from prometheus_client import Counter, Gauge
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from authkit.revocation import RevocationList
from office.desk.rules import Me, Place
from office.live.errors import StreamsUnavailable, TooManyStreams
from office.live.feed_repository import CHANNEL, Entry, FeedRepository
from office.live.rules import Reader
from office.tasks.feed import as_json
from servicekit.background import repeated
from servicekit.db import Database
from servicekit.retry import RetryPolicy
from servicekit.shutdown import on_stop
from servicekit.sse import Mailbox, message, retry, with_id

LOOK_SECONDS: Final = 0.5
HEARTBEAT_SECONDS: Final = 15.0
TICK_SECONDS: Final = 1.0
MOST_STREAMS: Final = 20_000
MOST_STREAMS_OF_A_PERSON: Final = 10
MOST_WAITING: Final = 200
"""Messages that wait for one slow browser before it is told to reload."""

_BATCH = 500
_COUNTS_AT_ONCE = 10
# Several changes in a row cause one count.
_COUNT_AFTER_SECONDS = 0.5
# After each batch of counts, as a multiple of its time: what happens to tasks is told before numbers.
_COUNT_PAUSE = 3
_BUSY_SECONDS = 0.05
# Rounds of a busy morning: what ten requests have changed is numbered together.
_APART_SECONDS = 0.05
_RETRY = RetryPolicy(base=0.2, cap=5.0)

STREAMS = Gauge("zhuxue_office_streams", "Browsers that are connected to the stream of tasks")
MESSAGES = Counter("zhuxue_office_stream_messages_total", "Messages to connected browsers", ["event"])

_Counted = tuple[UUID, UUID | None]
Count = Callable[[AsyncSession, Me], Awaitable[str]]
"""Returns the counts of a person as JSON."""


class Subscriber:
    """One connected browser. Until it is `resumed`, what concerns it is held back."""

    __slots__ = (
        *("acting", "checked", "heard", "heard_at", "held"),
        *("mailbox", "places", "principal", "reader", "sub"),
    )

    def __init__(self, sub: UUID, principal: Principal, reader: Reader, mailbox: Mailbox) -> None:
        self.sub = sub
        self.principal = principal
        self.reader = reader
        self.mailbox = mailbox
        self.acting: UUID | None = None
        self.places: dict[UUID, frozenset[str]] = {}
        self.held: list[tuple[int, bytes]] | None = []
        # What it has from another process, which may be ahead of this one.
        self.heard = 0
        self.heard_at = 0.0
        # The version of the revocations that the token was last compared with.
        self.checked = -1

    def tell(self, position: int, chunk: bytes) -> None:
        """Put a message of the feed into the mailbox, or hold it back. Drop what the browser has already."""
        if position <= self.heard:
            return
        if self.held is None:
            self.mailbox.put(chunk)
        else:
            self.held.append((position, chunk))

    def me(self) -> Me:
        """Return the person as the lists need it."""
        places = tuple(Place(unit_id, holds) for unit_id, holds in self.places.items())
        return Me(self.sub, self.acting or self.sub, places)


class Hub:
    """The subscribers of this process."""

    def __init__(self, database: Database, *, revocations: RevocationList, count: Count) -> None:
        """Create the hub; `revocations` end the streams of their tokens."""
        self._main = database
        self._database = database.separate(pool_size=1)
        self._revocations = revocations
        self._count = count
        self._wake = asyncio.Event()
        self._all: set[Subscriber] = set()
        self._by_sub: dict[UUID, set[Subscriber]] = {}
        self._by_unit: dict[UUID, set[Subscriber]] = {}
        # By person and acting unit, in the order of their times.
        self._to_count: dict[_Counted, float] = {}
        self._count_from = 0.0
        self._position = 0
        self._epoch: UUID | None = None
        self._ticked_at = 0.0
        self._stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve subscribers until the context exits, or until the process is asked to stop."""
        event.listen(self._database.engine.sync_engine, "connect", self._listen)
        self._main.after_commit.append(self._wake.set)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._database.close)
            async with self._database.transaction() as session:
                feed = FeedRepository(session)
                self._position, self._epoch = await feed.newest(), (await feed.state()).epoch
            stack.callback(self._main.after_commit.remove, self._wake.set)
            stack.callback(self.stop)
            stack.enter_context(on_stop(self.stop))
            await stack.enter_async_context(
                repeated(
                    "tasks.live",
                    self._run,
                    every=LOOK_SECONDS,
                    retry=_RETRY,
                    wake=self._wake,
                    apart=_APART_SECONDS,
                )
            )
            yield

    def stop(self) -> None:
        """End all streams: their browsers connect to another process, not all at once."""
        self._stopping = True
        for one in list(self._all):
            pause = retry(random.randint(500, 5_000))
            self._end(one, "shutdown", pause)

    def subscribe(self, sub: UUID, principal: Principal) -> Subscriber:
        """Add a browser. Raises `StreamsUnavailable`, `TooManyStreams`."""
        if self._stopping or self._epoch is None or len(self._all) >= MOST_STREAMS:
            raise StreamsUnavailable
        if len(self._by_sub.get(sub, ())) >= MOST_STREAMS_OF_A_PERSON:
            raise TooManyStreams
        reader = Reader.of(self._epoch, sub)
        mailbox = Mailbox(MOST_WAITING, lambda: self._reset(reader))
        one = Subscriber(sub, principal, reader, mailbox)
        self._all.add(one)
        self._by_sub.setdefault(sub, set()).add(one)
        STREAMS.set(len(self._all))
        return one

    def place(self, one: Subscriber, me: Me) -> int:
        """Set the units of a browser's person; return the position after which it is told everything."""
        one.acting = me.acting
        self._set_places(one, me.places)
        return self._position

    def resume(self, one: Subscriber, position: int, first: Iterable[bytes]) -> None:
        """Send `first`, and then what has happened after `position`."""
        held, one.held = one.held or [], None
        for chunk in first:
            one.mailbox.put(chunk)
        for at, chunk in held:
            if at > max(position, one.heard):
                one.mailbox.put(chunk)
        one.heard_at = asyncio.get_running_loop().time()

    def remove(self, one: Subscriber) -> None:
        """Forget a browser."""
        if one in self._all:
            self._all.discard(one)
            _drop(self._by_sub, one.sub, one)
            for unit_id in one.places:
                _drop(self._by_unit, unit_id, one)
            STREAMS.set(len(self._all))

    def _listen(self, connection: Any, _: object) -> None:
        """Have PostgreSQL wake the loop, on each new connection."""

        async def listen(driver: Any) -> None:
            await driver.add_listener(CHANNEL, lambda *_: self._wake.set())

        connection.run_async(listen)

    async def _run(self) -> float | None:
        """Do what is to be done now; return the seconds until the next run, None for the usual ones."""
        async with self._database.transaction() as session:
            numbered = await FeedRepository(session).number(_BATCH)
        more = await self._read()
        wait = await self._tell_counts()
        self._tick()
        if more or numbered == _BATCH:
            return 0.0
        return _BUSY_SECONDS if numbered is None else wait

    async def _read(self) -> bool:
        """Tell one batch of the feed; return whether there may be more."""
        async with self._database.transaction() as session:
            entries = await FeedRepository(session).after(self._position, _BATCH)
            for entry in entries:
                for found, data in await self._concerned(session, entry):
                    self._deliver(found, entry, data)
                self._position = entry.position
        return len(entries) == _BATCH

    async def _concerned(
        self, session: AsyncSession, entry: Entry
    ) -> list[tuple[Collection[Subscriber], Mapping[str, Any]]]:
        """Return whom an entry concerns, with what they are told."""
        if entry.dispatched is not None:
            connected = list(self._by_unit)
            units = await FeedRepository(session).addressed(entry.dispatched, connected) if connected else []
            return [
                (self._in_unit(unit_id, entry.needs), {**entry.data, "unit_id": str(unit_id)})
                for unit_id in units
            ]
        if entry.unit_id is not None:
            return [(self._in_unit(entry.unit_id, entry.needs), entry.data)]
        return [] if entry.sub is None else [(list(self._by_sub.get(entry.sub, ())), entry.data)]

    def _in_unit(self, unit_id: UUID, needs: Sequence[str]) -> list[Subscriber]:
        return [
            one
            for one in self._by_unit.get(unit_id, ())
            if not needs or not one.places[unit_id].isdisjoint(needs)
        ]

    def _deliver(self, found: Collection[Subscriber], entry: Entry, data: Mapping[str, Any]) -> None:
        if (places := data.get("places")) is not None:
            for one in found:
                self._move(one, places)
                one.tell(entry.position, self._reset(one.reader, entry.position))
            return
        if not found:
            return
        body, chunks, counted = event_of(data), dict[str, bytes](), "editing" not in data
        count_at = asyncio.get_running_loop().time() + _COUNT_AFTER_SECONDS
        for one in found:
            # The tabs of a person are told the same.
            chunk = chunks.get(one.reader.tag)
            if chunk is None:
                chunk = chunks[one.reader.tag] = with_id(one.reader.id_of(entry.position), body)
            one.tell(entry.position, chunk)
            if counted:
                self._to_count.setdefault((one.sub, one.acting), count_at)
        MESSAGES.labels("task" if counted else "editing").inc(len(found))

    def _move(self, one: Subscriber, places: Sequence[Mapping[str, Any]]) -> None:
        """Set the person's units as an event has them; what is held in the acting unit is as the
        token has it.
        """
        acting = [Place(one.acting, one.places[one.acting])] if one.acting in one.places else []
        others = [
            Place(UUID(place["unit_id"]), frozenset(place.get("holds", place.get("roles", ()))))
            for place in places
        ]
        self._set_places(one, [*acting, *(place for place in others if place.unit_id != one.acting)])

    def _set_places(self, one: Subscriber, places: Iterable[Place]) -> None:
        for unit_id in one.places:
            _drop(self._by_unit, unit_id, one)
        one.places = {place.unit_id: place.holds for place in places}
        for unit_id in one.places:
            self._by_unit.setdefault(unit_id, set()).add(one)

    async def _tell_counts(self) -> float | None:
        """Send counts that are due, some at once; return the seconds until more are, None for none."""
        now = asyncio.get_running_loop().time()
        if not self._to_count or now < self._count_from:
            return self._count_from - now if self._to_count else None
        due: list[_Counted] = []
        for key, at in self._to_count.items():
            if at > now or len(due) == _COUNTS_AT_ONCE:
                break
            due.append(key)
        for key in due:
            del self._to_count[key]
        if due:
            async with self._database.transaction() as session:
                for key in due:
                    await self._tell_count(session, *key)
            now, begun = asyncio.get_running_loop().time(), now
            self._count_from = now + _COUNT_PAUSE * (now - begun)
        if not self._to_count:
            return None
        return max(self._count_from, next(iter(self._to_count.values()))) - now

    async def _tell_count(self, session: AsyncSession, sub: UUID, acting: UUID | None) -> None:
        """Count once for all tabs of a person who acts for one unit."""
        tabs = [tab for tab in self._by_sub.get(sub, ()) if tab.acting == acting]
        if tabs:
            chunk = message(event="counts", data=await self._count(session, tabs[0].me()))
            for tab in tabs:
                tab.mailbox.put(chunk)
            MESSAGES.labels("counts").inc(len(tabs))

    def _tick(self) -> None:
        """Once a second: end the streams of expired and revoked tokens, and show the others that they
        live.
        """
        now = asyncio.get_running_loop().time()
        if now - self._ticked_at < TICK_SECONDS:
            return
        self._ticked_at, today = now, datetime.now(UTC)
        version = self._revocations.version
        for one in list(self._all):
            if one.principal.expires_at <= today:
                self._end(one, "token_expired")
                continue
            if one.checked != version:
                one.checked = version
                if self._revocations.refuses(one.principal):
                    self._end(one, "token_revoked")
                    continue
            if one.held is None and now - one.heard_at >= HEARTBEAT_SECONDS:
                one.heard_at = now
                # An event without data: the browser only keeps the position, and needs no replay up to it.
                one.mailbox.put(message(id_=one.reader.id_of(max(self._position, one.heard))))

    def _reset(self, reader: Reader, position: int | None = None) -> bytes:
        MESSAGES.labels("reset").inc()
        at = self._position if position is None else position
        return message(event="reset", data="{}", id_=reader.id_of(at))

    def _end(self, one: Subscriber, reason: str, before: bytes = b"") -> None:
        one.mailbox.close(before + message(event="end", data=as_json({"reason": reason})))
        self.remove(one)


def event_of(data: Mapping[str, Any]) -> bytes:
    """Return the event that a task has changed, or who edits a draft, without its id."""
    if (editing := data.get("editing")) is not None:
        return message(event="editing", data=as_json(editing))
    return message(event="task", data=as_json(data))


def _drop(index: dict[UUID, set[Subscriber]], key: UUID, one: Subscriber) -> None:
    found = index.get(key)
    if found is not None:
        found.discard(one)
        if not found:
            del index[key]
