"""Tokens withdrawn before they expire.

The `revocations` table is the truth, written by the durable subscription `<service>.revocations`. Each
process also holds the list in memory, fed at once by its own listener and, should the listener have
missed something while reconnecting, by a reload every few seconds. Entries are dropped when the last
token they could concern has expired.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.identity import AccessRevokedV1
from servicekit.background import repeated
from servicekit.db import Database
from servicekit.ids import new_id

_RELOAD_SECONDS = 5.0
_Of = tuple[str | None, str | None]


def make_revocation_table(metadata: MetaData) -> Table:
    """The table, for a service's own metadata and migration."""
    return Table(
        "revocations",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("sub", Uuid, nullable=False),
        Column("sid", Text),
        Column("grant_id", Text),
        Column("audience", Text),
        Column("not_before", DateTime(timezone=True), nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    )


class RevocationList:
    """What this process refuses."""

    def __init__(self, database: Database, table: Table, audience: str) -> None:
        self._database = database
        self._table = table
        self._audience = audience
        # By person, then by session or grant, (None, None) for all of the person's tokens.
        self._by_sub: dict[str, dict[_Of, tuple[datetime, datetime]]] = {}

    def hear(self, event: AccessRevokedV1) -> None:
        """Refuse from now on what the event names. Does nothing for another audience's event."""
        self._add(event)

    async def record(self, session: AsyncSession, event: AccessRevokedV1, _: object = None) -> None:
        """Store the event (the durable subscription's handler); expired rows go at the same time."""
        await session.execute(self._table.delete().where(self._table.c.expires_at < datetime.now(UTC)))
        await session.execute(
            insert(self._table).values(
                id=new_id(),
                sub=event.sub,
                sid=event.sid,
                grant_id=event.grant_id,
                audience=event.audience,
                not_before=event.not_before,
                expires_at=event.expires_at,
            )
        )
        self.hear(event)

    def refuses(self, principal: Principal) -> bool:
        """Whether the token has been withdrawn.

        `iat` has whole seconds, so a token made in the same second *after* the withdrawal is refused too
        until the next second; one made before it never passes.
        """
        entries = self._by_sub.get(principal.sub)
        if entries is None:
            return False
        for of in {(None, None), (principal.sid, None), (None, principal.grant_id)}:
            entry = entries.get(of)
            if entry is not None and principal.issued_at < entry[0]:
                return True
        return False

    async def reload(self) -> None:
        """Read the table."""
        now = datetime.now(UTC)
        async with self._database.transaction() as session:
            rows = (await session.execute(select(self._table).where(self._table.c.expires_at >= now))).all()
        for row in rows:
            self._add(row)
        self._forget(now)

    @contextlib.asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Load now, and again in the background for as long as the context lasts."""
        await self.reload()
        async with repeated("revocations", self.reload, every=_RELOAD_SECONDS, first=_RELOAD_SECONDS):
            yield

    def _add(self, entry: Any) -> None:
        """Take an event or a row: both have the same names."""
        if entry.audience is not None and entry.audience != self._audience:
            return
        of = (entry.sid, entry.grant_id)
        entries = self._by_sub.setdefault(str(entry.sub), {})
        since, until = entries.get(of, (entry.not_before, entry.expires_at))
        entries[of] = (max(since, entry.not_before), max(until, entry.expires_at))

    def _forget(self, now: datetime) -> None:
        for sub, entries in list(self._by_sub.items()):
            alive = {of: entry for of, entry in entries.items() if entry[1] >= now}
            if alive:
                self._by_sub[sub] = alive
            else:
                del self._by_sub[sub]
