"""Dynamic registration (RFC 7591, RFC 7592): initial access tokens, and clients that manage themselves."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import UnitStatus
from identity.audit.service import AuditLog
from identity.clients import errors
from identity.clients.models import Client, InitialAccessToken, secret_hash
from identity.clients.registrars import Registrar, registrant
from identity.clients.repository import ClientRepository
from identity.clients.rules import Metadata
from identity.clients.service import Clients, Registered
from identity.units.errors import UnitClosed, UnitNotFound
from identity.units.models import Unit
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest


class BadToken(Exception):
    """The token does not permit this request; the response does not say why."""


@dataclass(frozen=True)
class Initial:
    """A usable initial access token and the unit that it registers clients for."""

    row: InitialAccessToken
    unit: Unit


class Registrations:
    """Dynamic registration for one request."""

    def __init__(self, session: AsyncSession, clock: Clock, clients: Clients, audit: AuditLog) -> None:
        self._clock = clock
        self._clients = clients
        self._audit = audit
        self._rows = ClientRepository(session)

    async def issue(
        self, principal: Principal, unit_id: UUID, *, note: str, days: int, max_uses: int
    ) -> tuple[InitialAccessToken, str]:
        """Issue an initial access token. Raises `CentreOnly`, `UnitNotFound`, `UnitClosed`."""
        self._of_centre(principal)
        unit = await self._rows.unit(unit_id)
        if unit is None:
            raise UnitNotFound
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        token, now = secrets.token_urlsafe(32), self._clock.now()
        row = InitialAccessToken(
            id=new_id(),
            token_hash=secret_hash(token),
            owner_unit_id=unit.id,
            note=note,
            created_by=UUID(principal.sub),
            created_at=now,
            expires_at=now + timedelta(days=days),
            revoked_at=None,
            max_uses=max_uses,
            uses=0,
        )
        await self._rows.add(row)
        self._record(principal, "initial_access_token.issued", row)
        return row, token

    async def issued(
        self, principal: Principal, paging: PageRequest, *, usable: bool
    ) -> Listed[InitialAccessToken]:
        """Return all initial access tokens, or those that can be used now. Raises `CentreOnly`."""
        self._of_centre(principal)
        return await self._rows.initial_tokens(self._clock.now() if usable else None, paging)

    async def revoke(self, principal: Principal, token_id: UUID) -> InitialAccessToken:
        """Revoke an initial access token; idempotent. Raises `CentreOnly`, `InitialTokenNotFound`."""
        self._of_centre(principal)
        row = await self._rows.initial_token_by_id(token_id)
        if row is None:
            raise errors.InitialTokenNotFound
        if row.revoked_at is None:
            row.revoked_at = self._clock.now()
            self._record(principal, "initial_access_token.revoked", row)
        return row

    async def initial(self, token: str) -> Initial:
        """Return the initial access token that permits a registration, locked. Raises `BadToken`."""
        row = await self._rows.initial_token(secret_hash(token))
        if row is None or not row.usable(self._clock.now()):
            raise BadToken
        unit = await self._rows.unit(row.owner_unit_id)
        if unit is None or unit.status != UnitStatus.ACTIVE:
            raise BadToken
        return Initial(row, unit)

    async def register(self, initial: Initial, metadata: Metadata) -> tuple[Registered, str]:
        """Register a client. Return it with its registration access token (RFC 7591 §3.1).

        A rejected registration does not count as a use. Raises `InvalidRedirectUri`,
        `InvalidClientMetadata`.
        """
        own = secrets.token_urlsafe(32)
        actor = registrant(initial.unit, f"initial_access_token:{initial.row.id}")
        made = await self._clients.create(actor, initial.unit.id, metadata, registration_token=own)
        initial.row.uses += 1
        return made, own

    async def client(self, client_id: str, token: str) -> tuple[Client, Registrar]:
        """Return the client of a registration access token (RFC 7592 §2). Raises `BadToken`."""
        found = await self._clients.registered_with(client_id, token)
        if found is None:
            raise BadToken
        return found

    def _of_centre(self, principal: Principal) -> None:
        if not Registrar.of(principal).centre:
            raise errors.CentreOnly

    def _record(self, principal: Principal, action: str, row: InitialAccessToken) -> None:
        self._audit.record(
            actor=principal.sub,
            action=action,
            target=row.id,
            unit=str(row.owner_unit_id),
        )
