"""Queries of the issuer. Authlib's core is synchronous: these run on the sync face of the request's
async session (`AsyncSession.run_sync`), so that protocol and data share one transaction.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from identity.accounts.models import Account
from identity.base import Base
from identity.directory.models import Unit
from identity.memberships.models import Entitlement, Membership
from identity.oauth.models import AuthorizationCode, Client, Grant
from identity.sessions.models import BrowserSession


class OAuthRepository:
    """Clients, codes, keys, and what tokens say of a person."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def client(self, client_id: str) -> Client | None:
        """A client by id, unless it has been disabled: to the protocol it is not there then."""
        client = self._session.get(Client, client_id)
        return client if client is not None and client.status == "active" else None

    def put_client(self, client: Client) -> None:
        """Register a client or change its registration."""
        self._session.merge(client)

    def add(self, row: Base) -> None:
        """Store a new row."""
        self._session.add(row)

    def code(self, code_hash: bytes) -> AuthorizationCode | None:
        """A code, locked: of two redemptions at once the second sees that the first has used it."""
        return self._session.get(AuthorizationCode, code_hash, with_for_update={"of": AuthorizationCode})

    def grant(self, grant_id: UUID) -> Grant | None:
        """A grant by id."""
        return self._session.get(Grant, grant_id)

    def browser_session(self, sid: UUID) -> BrowserSession | None:
        """The session a code or token belongs to."""
        return self._session.get(BrowserSession, sid)

    def account(self, sub: UUID) -> Account | None:
        """An account, share-locked: it cannot be suspended between this check and the token's commit."""
        found: Account | None = self._session.scalar(
            select(Account).where(Account.id == sub).with_for_update(read=True)
        )
        return found

    def acting(self, sub: UUID) -> tuple[Membership, Unit] | None:
        """The membership a person acts under, and its unit."""
        row = self._session.execute(
            select(Membership, Unit)
            .join(Unit, Unit.id == Membership.unit_id)
            .where(Membership.account_id == sub, Membership.ended_at.is_(None), Unit.status == "active")
        ).first()
        return None if row is None else row.tuple()

    def entitlements(self, sub: UUID) -> list[str]:
        """What a person may enter."""
        return sorted(
            self._session.scalars(
                select(Entitlement.name).where(
                    Entitlement.account_id == sub, Entitlement.withdrawn_at.is_(None)
                )
            )
        )
