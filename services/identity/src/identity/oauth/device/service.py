"""The person's side of the device flow (RFC 8628 §3.3): look up a request by its user code, and decide."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import WallAllowedV1
from contracts.vocabulary import Entitlement
from identity.audit.service import AuditLog
from identity.base import outbox
from identity.clients.models import Client
from identity.clients.rules import WALL
from identity.consents.service import Consents
from identity.grants.models import Grant
from identity.oauth.authorization.acr import level_of
from identity.oauth.device import rules
from identity.oauth.device.errors import UserCodeRefusal
from identity.oauth.device.models import DeviceCode, user_code_hashes
from identity.oauth.device.repository import DeviceRepository
from identity.oauth.state.context import Parts, person_in
from identity.sessions.models import BrowserSession
from servicekit.ids import id_at

_TRIES = "device-tries"


@dataclass(frozen=True)
class FurtherSignIn:
    """The person must authenticate further before deciding."""

    acr: str | None = None
    """The level to reach in the same session; None for a new sign-in."""


@dataclass(frozen=True)
class WallUnit:
    """The unit whose figures a wall display will show."""

    id: UUID
    name: str
    approver: str
    """The name of the person."""


class Devices:
    """Device flow for one request of a browser at `address`."""

    def __init__(
        self, session: AsyncSession, parts: Parts, consents: Consents, audit: AuditLog, address: str
    ) -> None:
        self._session = session
        self._parts = parts
        self._clock = parts.clock
        self._consents = consents
        self._audit = audit
        self._address = address
        self._rows = DeviceRepository(session)

    async def find(self, browser: BrowserSession, typed: str) -> tuple[DeviceCode, Client] | UserCodeRefusal:
        """Return the request of a typed user code, locked.

        Failed attempts are counted for the person and the address, correct codes are not (§5.1). Attempts
        beyond the person's limit do not count for the shared address. An error must be rendered: raising it
        would roll back the count.
        """
        now, vault = self._clock.now(), self._parts.keys.vault
        limits = (
            (f"person\0{browser.account_id}", rules.TRIES_PER_PERSON),
            (f"address\0{self._address}", rules.TRIES_PER_ADDRESS),
        )
        begins = now - rules.TRIES_WINDOW
        keys = [(vault.index(_TRIES, of), most) for of, most in limits]
        # Counted first, so that concurrent attempts are all counted.
        for key, most in keys:
            if await self._rows.count_try(key, now, begins) > most:
                return UserCodeRefusal.TOO_MANY
        code = rules.normal(typed)
        rows = [] if code is None else await self._rows.live(user_code_hashes(vault, code), now)
        # Two devices with the same code are ambiguous.
        row = rows[0] if len(rows) == 1 else None
        client = None if row is None else await self._client(row.client_id)
        if row is None or client is None:
            return UserCodeRefusal.UNKNOWN
        for key, _ in keys:
            await self._rows.take_back_try(key)
        return row, client

    def further_sign_in(
        self, row: DeviceCode, client: Client, browser: BrowserSession
    ) -> FurtherSignIn | None:
        """Return what the browser's sign-in lacks for the client, or None.

        The client's `default_max_age` and `default_acr_values` apply (OpenID Connect Dynamic Client
        Registration §2); the flow has no parameters of its own for them.
        """
        signed_in_since = browser.begun_at >= row.issued_at
        if not signed_in_since and rules.too_old(
            browser.authenticated_at, client.default_max_age, self._clock.now()
        ):
            return FurtherSignIn()
        level = level_of({}, None, client.default_acr_values)
        return None if level.met(browser.acr) else FurtherSignIn(level.need)

    async def wall(self, row: DeviceCode, browser: BrowserSession) -> WallUnit | UserCodeRefusal | None:
        """Return the unit whose figures a device will show that asks to be a wall display; None for others.

        It is the one for which the device's tokens will act: outside of the session, the person's primary
        one. Only who may enter the cockpit allows a wall display.
        """
        scopes = row.scope.split()
        if WALL not in scopes:
            return None
        sid = None if "offline_access" in scopes else browser.id
        now = self._clock.now()
        person = await self._session.run_sync(person_in, browser.account_id, sid, now)
        if person is None or person.acting is None or Entitlement.COCKPIT not in person.entitlements:
            return UserCodeRefusal.NO_COCKPIT
        unit = person.acting.unit
        return WallUnit(unit, *await self._rows.names(unit, browser.account_id))

    async def allow(
        self,
        row: DeviceCode,
        client: Client,
        browser: BrowserSession,
        wall: tuple[WallUnit, str] | None = None,
    ) -> None:
        """Approve the device: create a grant, as for a code, and a consent that the person can withdraw.

        With `offline_access` the grant is not bound to the browser's session and lasts for
        `device_grant_days`; it is revoked when the consent is withdrawn or an administrator ends the person's
        sessions. Without, it ends with the session. A wall display gets its unit and a
        name, which are announced.
        """
        now, settings = self._clock.now(), self._parts.settings
        scopes = set(row.scope.split())
        offline = "offline_access" in scopes
        lifetime = (
            timedelta(days=settings.device_grant_days)
            if offline
            else timedelta(seconds=settings.session_absolute_seconds)
        )
        grant = Grant(
            id=id_at(now + lifetime),
            client_id=client.client_id,
            account_id=browser.account_id,
            session_id=None if offline else browser.id,
            scope=row.scope,
            resources=row.resources,
            auth_time=int(browser.authenticated_at.timestamp()),
            acr=browser.acr,
            amr=browser.amr,
            created_at=now,
            expires_at=now + lifetime,
            generation=client.grant_generation,
        )
        await self._rows.add_grant(grant)
        row.allow(grant)
        await self._consents.give(browser.account_id, client.client_id, scopes, set(row.resources))
        named: dict[str, str] = {}
        if wall is not None:
            unit, name = wall
            named = {"unit": str(unit.id), "name": name}
            event = WallAllowedV1(
                grant_id=grant.id,
                client_id=client.client_id,
                sub=browser.account_id,
                approver=unit.approver,
                unit_id=unit.id,
                name=name,
                allowed_at=now,
                expires_at=grant.expires_at,
            )
            outbox.add(self._session, event, subject=grant.id)
        self._record("device.allowed", row, browser, grant=str(grant.id), **named)

    def deny(self, row: DeviceCode, browser: BrowserSession) -> None:
        """Deny the device."""
        row.deny(self._clock.now())
        self._record("device.denied", row, browser)

    async def _client(self, client_id: str) -> Client | None:
        return await self._session.run_sync(self._parts.clients.get, client_id)

    def _record(self, action: str, row: DeviceCode, browser: BrowserSession, **details: str) -> None:
        self._audit.record(
            actor=browser.account_id,
            action=action,
            target=browser.account_id,
            client=row.client_id,
            sid=str(browser.id),
            **details,
        )
