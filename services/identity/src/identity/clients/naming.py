"""How people know a client, for a page of the protocol."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.cache import ClientCache
from identity.clients.repository import ClientRepository
from identity.clients.shown import SystemName
from servicekit.db import Database
from servicekit.lane_sessions import lane_of


class Names:
    """Names of clients for one request."""

    def __init__(self, session: AsyncSession, cache: ClientCache, database: Database) -> None:
        """`database` is for a request on a lane, which reads a name in a transaction of its own."""
        self._cache = cache
        self._session = session
        self._database = database

    async def of(self, client_id: str) -> SystemName | None:
        """Return the name of an active client and that of its unit, perhaps those of a moment ago.

        To be read before locks: on a lane it may wait for a connection, which whoever waits for them has.
        """
        if "\0" in client_id:
            # Nobody has verified it, and the database would refuse it.
            return None
        remembered = self._cache.remembered_name(client_id)
        if remembered is not None:
            return remembered[0]
        found = None
        for _, name, owner in await self._read(client_id):
            found = SystemName(name, owner or "")
        self._cache.keep_name(client_id, found)
        return found

    async def _read(self, client_id: str) -> Sequence[tuple[str, str, str | None]]:
        if lane_of(self._session) is None:
            return await ClientRepository(self._session).names([client_id])
        async with self._database.transaction() as session:
            return await ClientRepository(session).names([client_id])
