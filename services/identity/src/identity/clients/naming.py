"""How people know a client, for a page of the protocol."""

from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.repository import ClientRepository
from identity.clients.shown import SystemName


async def system_name(session: AsyncSession, client_id: str) -> SystemName | None:
    """Return the name of an active client and that of its unit."""
    for _, name, owner in await ClientRepository(session).names([client_id]):
        return SystemName(name, owner or "")
    return None
