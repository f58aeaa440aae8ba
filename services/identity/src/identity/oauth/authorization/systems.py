"""Which system a person is about to enter, for the pages before it."""

from identity.clients.naming import Names
from identity.clients.shown import SystemName
from identity.oauth.authorization.interaction import client_of


async def system_of(names: Names, return_to: str) -> SystemName | None:
    """Return the client of an authorization URL; None for the issuer's own pages and unknown clients.

    The URL is not verified here: the pages only name the system, `/authorize` checks the request.
    """
    client_id = client_of(return_to)
    return await names.of(client_id) if client_id else None
