"""Tokens withdrawn before they expire.

The `revocations` table is the truth, written by the durable subscription `<service>.revocations`. Each
process also holds the list in memory, fed at once by its own listener and, should the listener have
missed something while reconnecting, by a reload every few seconds that reads the new rows only. Entries are
dropped when the last token they could concern has expired. See docs/adr/0017-revocation-by-client.md.
"""

import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, Table, Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.identity import AccessRevokedV1, ClientRevokedV1
from servicekit.background import repeated
from servicekit.db import Database
from servicekit.ids import new_id

Event = AccessRevokedV1 | ClientRevokedV1
EVENTS: tuple[type[AccessRevokedV1], type[ClientRevokedV1]] = (AccessRevokedV1, ClientRevokedV1)

_RELOAD_SECONDS = 5.0
_FULL_RELOAD_SECONDS = 300.0
# Rows become visible in another order than they are dated: `recorded_at` is when a transaction began.
_OVERLAP = timedelta(seconds=30)
_Period = tuple[datetime, datetime]
_Of = tuple[str | None, str | None]


def make_revocation_table(metadata: MetaData) -> Table:
    """The table, for a service's own metadata and migration. A row names a person or a client."""
    return Table(
        "revocations",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("sub", Uuid),
        Column("client_id", Text),
        Column("sid", Text),
        Column("grant_id", Text),
        Column("audience", Text),
        Column("not_before", DateTime(timezone=True), nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
        CheckConstraint("(sub IS NULL) <> (client_id IS NULL)", name="person_or_client"),
    )


class RevocationList:
    """What this process refuses."""

    def __init__(self, database: Database, table: Table, audience: str) -> None:
        self._database = database
        self._table = table
        self._audience = audience
        # By person, then by session or grant, (None, None) for all of the person's tokens.
        self._by_sub: dict[str, dict[_Of, _Period]] = {}
        self._by_client: dict[str, _Period] = {}
        self._newest: datetime | None = None
        self._full_reload_at = 0.0

    def hear(self, event: Event) -> None:
        """Refuse from now on what the event names. Does nothing for another audience's event."""
        if isinstance(event, ClientRevokedV1):
            self._add_client(event.client_id, event.not_before, event.expires_at)
        else:
            self._add_person(event.sub, event)

    async def record(self, session: AsyncSession, event: Event, _: object = None) -> None:
        """Store the event (the durable subscription's handler); expired rows go at the same time."""
        await session.execute(self._table.delete().where(self._table.c.expires_at < datetime.now(UTC)))
        named = event.model_dump(include={"sub", "client_id", "sid", "grant_id", "audience"})
        await session.execute(
            insert(self._table).values(
                id=new_id(), not_before=event.not_before, expires_at=event.expires_at, **named
            )
        )
        self.hear(event)

    def refuses(self, principal: Principal) -> bool:
        """Whether the token has been withdrawn.

        `iat` has whole seconds, so a token made in the same second *after* the withdrawal is refused too
        until the next second; one made before it never passes.
        """
        periods = [self._by_client.get(client_id) for client_id in principal.clients]
        entries = self._by_sub.get(principal.sub)
        if entries is not None:
            named: set[_Of] = {(None, None), (principal.sid, None), (None, principal.grant_id)}
            periods += [entries.get(of) for of in named]
        return any(period is not None and principal.issued_at < period[0] for period in periods)

    async def reload(self) -> None:
        """Read what other processes have recorded; once in five minutes, everything."""
        now, table = datetime.now(UTC), self._table.c
        statement = select(self._table).where(table.expires_at >= now)
        full = self._newest is None or time.monotonic() >= self._full_reload_at
        if self._newest is not None and not full:
            statement = statement.where(table.recorded_at >= self._newest - _OVERLAP)
        async with self._database.transaction() as session:
            rows = (await session.execute(statement)).all()
        for row in rows:
            self._newest = row.recorded_at if self._newest is None else max(self._newest, row.recorded_at)
            if row.sub is None:
                self._add_client(row.client_id, row.not_before, row.expires_at)
            else:
                self._add_person(row.sub, row)
        if full:
            self._full_reload_at = time.monotonic() + _FULL_RELOAD_SECONDS
            self._forget(now)

    @contextlib.asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Load now, and again in the background for as long as the context lasts."""
        await self.reload()
        async with repeated("revocations", self.reload, every=_RELOAD_SECONDS, first=_RELOAD_SECONDS):
            yield

    def _add_client(self, client_id: str, not_before: datetime, expires_at: datetime) -> None:
        self._by_client[client_id] = _later(self._by_client.get(client_id), not_before, expires_at)

    def _add_person(self, sub: UUID, entry: Any) -> None:
        """Take an event or a row: both have the same names.

        One that names a session and a grant is meant more narrowly than any token can be compared with here:
        tokens of either are refused.
        """
        if entry.audience is not None and entry.audience != self._audience:
            return
        entries = self._by_sub.setdefault(str(sub), {})
        named: set[_Of] = {(entry.sid, None), (None, entry.grant_id)}
        if entry.sid is not None or entry.grant_id is not None:
            named.discard((None, None))
        for of in named:
            entries[of] = _later(entries.get(of), entry.not_before, entry.expires_at)

    def _forget(self, now: datetime) -> None:
        self._by_client = {name: period for name, period in self._by_client.items() if period[1] >= now}
        for sub, entries in list(self._by_sub.items()):
            alive = {of: entry for of, entry in entries.items() if entry[1] >= now}
            if alive:
                self._by_sub[sub] = alive
            else:
                del self._by_sub[sub]


def _later(known: _Period | None, not_before: datetime, expires_at: datetime) -> _Period:
    """A withdrawal never shortens an earlier one."""
    if known is None:
        return not_before, expires_at
    return max(known[0], not_before), max(known[1], expires_at)
