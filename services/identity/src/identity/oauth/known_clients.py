"""Clients as this process has read them a moment ago: every call at the token endpoint begins with one."""

import time

from sqlalchemy.orm import Session

from identity.oauth.models import Client
from identity.oauth.repository import OAuthRepository

SECONDS = 1.0
"""For how long another process may go on with a registration that has been changed."""


class KnownClients:
    """Active clients by id, detached from any session: to be read, never changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Client]] = {}

    def get(self, session: Session, client_id: str) -> Client | None:
        """A client, or None if there is none of this id or it has been disabled."""
        found = self._known.get(client_id)
        if found is not None and time.monotonic() - found[0] < SECONDS:
            return found[1]
        client = OAuthRepository(session).client(client_id)
        if client is None:
            self._known.pop(client_id, None)
            return None
        copy = client.detached()
        self._known[client_id] = (time.monotonic(), copy)
        return copy

    def forget(self, client_id: str) -> None:
        """Read the client anew the next time."""
        self._known.pop(client_id, None)
