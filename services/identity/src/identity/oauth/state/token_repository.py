"""Rarer queries of the token endpoint and its neighbours, in a session."""

from uuid import UUID

from sqlalchemy.orm import Session

from identity.clients.models import secret_hash
from identity.grants.models import Grant
from identity.oauth.state.handles import id_of
from identity.oauth.state.models import PushedRequest, RefreshToken


class TokenRepository:
    """Refresh tokens and pushed requests."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def refresh_token(self, value: str, *, lock: bool = True) -> RefreshToken | None:
        """Return a refresh token, locked for update; its grant is not locked."""
        row_id = id_of(value)
        if row_id is None:
            return None
        locked = {"of": RefreshToken} if lock else None
        found = self._session.get(RefreshToken, row_id, with_for_update=locked, populate_existing=True)
        return found if found is not None and found.token_hash == secret_hash(value) else None

    def successor(self, successor_id: UUID | None) -> RefreshToken | None:
        """Return the successor of a refresh token."""
        return None if successor_id is None else self._session.get(RefreshToken, successor_id)

    def grant(self, grant_id: UUID, *, lock: bool = False) -> Grant | None:
        """Return a grant."""
        return self._session.get(Grant, grant_id, with_for_update=lock or None)

    def pushed(self, reference: str) -> PushedRequest | None:
        """Return a pushed request, locked so that it is redeemed once."""
        row_id = id_of(reference)
        row = None if row_id is None else self._session.get(PushedRequest, row_id, with_for_update=True)
        return row if row is not None and row.reference_hash == secret_hash(reference) else None
