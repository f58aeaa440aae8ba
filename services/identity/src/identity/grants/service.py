"""Ending grants."""

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.audit import service as audit
from identity.grants.models import Grant
from identity.revocations.service import Revocations
from servicekit.clock import Clock


class Grants:
    """Grants within one request, on either face of its session."""

    def __init__(self, session: AsyncSession | Session, clock: Clock, token_seconds: int) -> None:
        self._session = session
        self._clock = clock
        self._revocations = Revocations(session, clock, token_seconds)

    def revoke(self, grant: Grant, reason: str) -> None:
        """End a grant: no code or refresh token of it works again, and its access tokens are withdrawn."""
        if not grant.revoke(self._clock.now()):
            return
        if grant.account_id is not None:
            self._revocations.revoke(grant.account_id, grant_id=str(grant.id), reason=reason)
        audit.record(
            self._session,
            self._clock,
            actor=grant.client_id,
            action="oauth.grant_revoked",
            target=grant.account_id,
            grant=str(grant.id),
            reason=reason,
        )
