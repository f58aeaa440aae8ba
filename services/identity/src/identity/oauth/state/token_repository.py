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

    def refresh_token(self, value: str) -> RefreshToken | None:
        """Return a refresh token."""
        row_id = id_of(value)
        if row_id is None:
            return None
        found = self._session.get(RefreshToken, row_id, populate_existing=True)
        return found if found is not None and found.token_hash == secret_hash(value) else None

    def grant(self, grant_id: UUID) -> Grant | None:
        """Return a grant."""
        return self._session.get(Grant, grant_id)

    def pushed(self, reference: str) -> PushedRequest | None:
        """Return a pushed request, locked so that it is redeemed once."""
        row_id = id_of(reference)
        row = None if row_id is None else self._session.get(PushedRequest, row_id, with_for_update=True)
        return row if row is not None and row.reference_hash == secret_hash(reference) else None
