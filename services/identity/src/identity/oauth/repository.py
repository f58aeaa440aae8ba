"""Queries of the issuer. Authlib's core is synchronous: these run on the sync face of the request's
async session (`AsyncSession.run_sync`), so that protocol and data share one transaction.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from identity.accounts.models import Account
from identity.base import Base
from identity.directory.models import Unit
from identity.memberships.models import Entitlement, Membership
from identity.oauth.models import AuthorizationCode, Client, Grant
from identity.sessions.models import BrowserSession


@dataclass(frozen=True)
class Standing:
    """A person as tokens describe them, with the session asked for and the unit they act for."""

    account: Account
    browser: BrowserSession | None
    acting: tuple[Membership, Unit] | None
    entitlements: list[str]


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

    def code(self, code_id: UUID) -> AuthorizationCode | None:
        """A code, locked: of two redemptions at once the second sees that the first has used it."""
        return self._session.get(AuthorizationCode, code_id, with_for_update={"of": AuthorizationCode})

    def grant(self, grant_id: UUID) -> Grant | None:
        """A grant by id."""
        return self._session.get(Grant, grant_id)

    def account(self, sub: UUID) -> Account | None:
        """An account, share-locked: it cannot be suspended between this check and the token's commit."""
        found: Account | None = self._session.scalar(
            select(Account).where(Account.id == sub).with_for_update(read=True)
        )
        return found

    def standing(self, sub: UUID, sid: UUID | None) -> Standing | None:
        """What tokens say of a person, in one statement.

        The account is share-locked: it cannot be suspended between this check and the token's commit.
        """
        entitlements = (
            select(func.array_agg(aggregate_order_by(Entitlement.name, Entitlement.name)))
            .where(Entitlement.account_id == Account.id, Entitlement.withdrawn_at.is_(None))
            .scalar_subquery()
        )
        row = self._session.execute(
            select(Account, BrowserSession, Membership, Unit, entitlements)
            .select_from(Account)
            .outerjoin(BrowserSession, BrowserSession.id == sid)
            .outerjoin(Membership, and_(Membership.account_id == Account.id, Membership.ended_at.is_(None)))
            .outerjoin(Unit, and_(Unit.id == Membership.unit_id, Unit.status == "active"))
            .where(Account.id == sub)
            .with_for_update(read=True, of=Account)
            .execution_options(populate_existing=True)
        ).first()
        if row is None:
            return None
        account, browser, membership, unit, names = row.tuple()
        acting = None if unit is None or membership is None else (membership, unit)
        return Standing(account, browser, acting, names or [])
