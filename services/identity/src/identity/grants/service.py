"""Revocation of grants."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from identity.audit.service import AuditLog
from identity.grants.statements import REVOKE
from identity.revocations.service import Revocations
from servicekit.clock import Clock
from servicekit.lanes import Statement


class Revocable(Protocol):
    """A grant as it was read under its lock: a row, or a copy of its columns."""

    @property
    def id(self) -> UUID:
        """See `Grant`."""
        ...

    @property
    def client_id(self) -> str:
        """See `Grant`."""
        ...

    @property
    def account_id(self) -> UUID | None:
        """See `Grant`."""
        ...

    @property
    def revoked_at(self) -> datetime | None:
        """See `Grant`."""
        ...


class Transaction(Protocol):
    """Where the statement runs: a lane, or a session."""

    def ahead(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """Run a statement without rows before the next one, or before the commit."""
        ...


class Grants:
    """Revokes grants in the transaction of one call into the protocol core."""

    def __init__(
        self, transaction: Transaction, clock: Clock, revocations: Revocations, audit: AuditLog
    ) -> None:
        self._transaction = transaction
        self._clock = clock
        self._revocations = revocations
        self._audit = audit

    def revoke(self, grant: Revocable, reason: str) -> None:
        """Revoke a locked grant with its code, refresh tokens and access tokens; once."""
        if grant.revoked_at is not None:
            return
        self._transaction.ahead(REVOKE, {"grant": grant.id, "now": self._clock.now()})
        if grant.account_id is not None:
            self._revocations.revoke(grant.account_id, grant_id=str(grant.id), reason=reason)
        self._audit.record(
            actor=grant.client_id,
            action="oauth.grant_revoked",
            target=grant.account_id,
            grant=str(grant.id),
            reason=reason,
        )
