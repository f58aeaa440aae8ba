"""Short-lived client cache of this process: every call of the token endpoint reads a client, and every page
before a system its name.
"""

import time

from sqlalchemy.orm import Session

from identity.clients.models import Client
from identity.clients.origins import Origins
from identity.clients.repository import ActiveClients
from identity.clients.shown import SystemName

SECONDS = 1.0
"""How long another process may continue to use an outdated registration."""


_MOST_NAMES = 1000


class ClientCache:
    """Active clients by id, detached from any session: read-only."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._cached: dict[str, tuple[float, Client]] = {}
        self._names: dict[str, tuple[float, SystemName | None]] = {}

    def remembered(self, client_id: str) -> Client | None:
        """Return a client that was read a moment ago; None: read it with `get`."""
        found = self._cached.get(client_id)
        return found[1] if found is not None and time.monotonic() - found[0] < SECONDS else None

    def get(self, session: Session, client_id: str) -> Client | None:
        """Return a client, or None if it does not exist, is disabled, or its unit is closed."""
        found = self.remembered(client_id)
        if found is not None:
            return found
        client = ActiveClients(session).get(client_id)
        if client is None:
            self._cached.pop(client_id, None)
            return None
        copy = client.detached()
        self._cached[client_id] = (time.monotonic(), copy)
        return copy

    def remembered_name(self, client_id: str) -> tuple[SystemName | None] | None:
        """Return the name that was read a moment ago, in a tuple: None of a client that is not active.

        None: read it, and then `keep_name`.
        """
        found = self._names.get(client_id)
        return (found[1],) if found is not None and time.monotonic() - found[0] < SECONDS else None

    def keep_name(self, client_id: str, name: SystemName | None) -> None:
        """Remember a name that was just read."""
        if len(self._names) >= _MOST_NAMES:
            # Somebody makes up ids.
            self._names.clear()
        self._names[client_id] = (time.monotonic(), name)

    def evict(self, client_id: str) -> None:
        """Drop the client, and the origins of all, so that the next call reads them from the database."""
        self._cached.pop(client_id, None)
        self._names.pop(client_id, None)
        self._origins.forget()
