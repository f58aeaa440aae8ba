"""Revocation of grants."""

from identity.audit.service import AuditLog
from identity.grants.models import Grant
from identity.revocations.service import Revocations
from servicekit.clock import Clock


class Grants:
    """Grants for one request."""

    def __init__(self, clock: Clock, revocations: Revocations, audit: AuditLog) -> None:
        self._clock = clock
        self._revocations = revocations
        self._audit = audit

    def revoke(self, grant: Grant, reason: str) -> None:
        """Revoke a grant with its code, refresh tokens and access tokens."""
        if not grant.revoke(self._clock.now()):
            return
        if grant.account_id is not None:
            self._revocations.revoke(grant.account_id, grant_id=str(grant.id), reason=reason)
        self._audit.record(
            actor=grant.client_id,
            action="oauth.grant_revoked",
            target=grant.account_id,
            grant=str(grant.id),
            reason=reason,
        )
