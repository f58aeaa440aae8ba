"""Tokens revoked before they expire.

The durable subscription `<service>.revocations` writes the `revocations` table, which is authoritative. Each
process also keeps the list in memory. Its listener updates the list immediately; a reload of the new rows
every few seconds adds events that the listener missed while reconnecting. Entries are deleted when the last
token they can apply to has expired. See docs/adr/0017-revocation-by-client.md.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, Table, Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.identity import AccessRevokedV1, ClientRevokedV1, UnitAccessRevokedV1
from servicekit.background import repeated
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.ltree import lineage

Event = AccessRevokedV1 | ClientRevokedV1 | UnitAccessRevokedV1
EVENTS: tuple[type[AccessRevokedV1], type[ClientRevokedV1], type[UnitAccessRevokedV1]] = (
    AccessRevokedV1,
    ClientRevokedV1,
    UnitAccessRevokedV1,
)

_RELOAD_SECONDS = 5.0
_FULL_RELOAD_SECONDS = 300.0
# `recorded_at` is the start of the transaction, so rows may become visible in another order.
_OVERLAP = timedelta(seconds=30)
_Period = tuple[datetime, datetime]
_Of = tuple[str | None, str | None]
_Name = TypeVar("_Name", str, _Of)


def make_revocation_table(metadata: MetaData) -> Table:
    """Declare the table in the metadata of a service. A row names a person, a client or a place of units."""
    return Table(
        "revocations",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("sub", Uuid),
        Column("client_id", Text),
        Column("unit_path", Text),
        Column("sid", Text),
        Column("grant_id", Text),
        Column("audience", Text),
        Column("not_before", DateTime(timezone=True), nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
        CheckConstraint("num_nonnulls(sub, client_id, unit_path) = 1", name="names_one"),
    )


class RevocationList:
    """The revocations that this process applies."""

    def __init__(self, database: Database, table: Table, audience: str) -> None:
        self._database = database
        self._table = table
        self._audience = audience
        # By person, then by session or grant; (None, None) means all tokens of the person.
        self._by_sub: dict[str, dict[_Of, _Period]] = {}
        self._by_client: dict[str, _Period] = {}
        self._by_path: dict[str, _Period] = {}
        self._newest: datetime | None = None
        self._full_reload_at = 0.0
        self.version = 0
        """Grows with each revocation that may refuse a token which was accepted before."""

    def hear(self, event: Event) -> None:
        """Reject the tokens that the event names from now on. Ignores events for another audience."""
        match event:
            case ClientRevokedV1():
                self._add(self._by_client, event.client_id, event)
            case UnitAccessRevokedV1():
                self._add(self._by_path, event.path, event)
            case AccessRevokedV1():
                self._add_person(event.sub, event)

    def learn(self, entries: Iterable[Any]) -> None:
        """Reject the tokens that these rows name, or these `contracts.revocations.Revoked`."""
        for entry in entries:
            if entry.sub is not None:
                self._add_person(entry.sub, entry)
            elif entry.client_id is not None:
                self._add(self._by_client, entry.client_id, entry)
            else:
                self._add(self._by_path, entry.unit_path, entry)

    async def record(self, session: AsyncSession, event: Event, _: object = None) -> None:
        """Store the event and delete expired rows (the handler of the durable subscription)."""
        await session.execute(self._table.delete().where(self._table.c.expires_at < datetime.now(UTC)))
        named = event.model_dump(include={"sub", "client_id", "sid", "grant_id", "audience"})
        if isinstance(event, UnitAccessRevokedV1):
            named["unit_path"] = event.path
        await session.execute(
            insert(self._table).values(
                id=new_id(), not_before=event.not_before, expires_at=event.expires_at, **named
            )
        )
        self.hear(event)

    def refuses(self, principal: Principal) -> bool:
        """Return whether the token has been revoked.

        `iat` has whole seconds, so a token issued *after* the revocation in the same second is also rejected.
        A token issued before the revocation is always rejected.
        """
        periods = [self._by_client.get(client_id) for client_id in principal.clients]
        if self._by_path and principal.acting is not None:
            periods += [self._by_path.get(path) for path in lineage(principal.acting.path)]
        entries = self._by_sub.get(principal.sub)
        if entries is not None:
            named: set[_Of] = {(None, None), (principal.sid, None), (None, principal.grant_id)}
            periods += [entries.get(of) for of in named]
        return any(period is not None and principal.issued_at < period[0] for period in periods)

    async def reload(self) -> None:
        """Read the rows that other processes have written; all rows once in five minutes."""
        now, table = datetime.now(UTC), self._table.c
        statement = select(self._table).where(table.expires_at >= now)
        full = self._newest is None or time.monotonic() >= self._full_reload_at
        if self._newest is not None and not full:
            statement = statement.where(table.recorded_at >= self._newest - _OVERLAP)
        async with self._database.transaction() as session:
            rows = (await session.execute(statement)).all()
        for row in rows:
            self._newest = row.recorded_at if self._newest is None else max(self._newest, row.recorded_at)
        self.learn(rows)
        if full:
            self._full_reload_at = time.monotonic() + _FULL_RELOAD_SECONDS
            self._forget(now)

    @contextlib.asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Load the list now, and reload it in the background until the context exits."""
        await self.reload()
        async with repeated("revocations", self.reload, every=_RELOAD_SECONDS, first=_RELOAD_SECONDS):
            yield

    def _add(self, known: dict[_Name, _Period], name: _Name, entry: Any) -> None:
        """Add an event or a row; both have the same attributes."""
        before = known.get(name)
        known[name] = _later(before, entry.not_before, entry.expires_at)
        self.version += known[name] != before

    def _add_person(self, sub: UUID, entry: Any) -> None:
        """Add an event or a row; both have the same attributes.

        If it names both a session and a grant, the tokens of either are rejected, because a token cannot be
        compared with both here.
        """
        if entry.audience is not None and entry.audience != self._audience:
            return
        entries = self._by_sub.setdefault(str(sub), {})
        named: set[_Of] = {(entry.sid, None), (None, entry.grant_id)}
        if entry.sid is not None or entry.grant_id is not None:
            named.discard((None, None))
        for of in named:
            self._add(entries, of, entry)

    def _forget(self, now: datetime) -> None:
        for known in (self._by_client, self._by_path):
            for name in [name for name, period in known.items() if period[1] < now]:
                del known[name]
        for sub, entries in list(self._by_sub.items()):
            alive = {of: entry for of, entry in entries.items() if entry[1] >= now}
            if alive:
                self._by_sub[sub] = alive
            else:
                del self._by_sub[sub]


def _later(known: _Period | None, not_before: datetime, expires_at: datetime) -> _Period:
    """Merge a revocation into an earlier one without shortening it."""
    if known is None:
        return not_before, expires_at
    return max(known[0], not_before), max(known[1], expires_at)
