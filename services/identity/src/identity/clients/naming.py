"""How people know a client, for a page of the protocol."""

from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.cache import ClientCache
from identity.clients.repository import ClientRepository
from identity.clients.shown import SystemName


class Names:
    """Names of clients for one request."""

    def __init__(self, session: AsyncSession, cache: ClientCache) -> None:
        self._cache = cache
        self._rows = ClientRepository(session)

    async def of(self, client_id: str) -> SystemName | None:
        """Return the name of an active client and that of its unit, perhaps those of a moment ago."""
        remembered = self._cache.remembered_name(client_id)
        if remembered is not None:
            return remembered[0]
        found = None
        for _, name, owner in await self._rows.names([client_id]):
            found = SystemName(name, owner or "")
        self._cache.keep_name(client_id, found)
        return found
