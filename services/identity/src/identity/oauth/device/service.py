"""The device flow (RFC 8628): a device asks, a person decides at a browser, the device fetches tokens."""

from dataclasses import dataclass
from datetime import timedelta

from identity.audit import service as audit
from identity.clients.models import Client, secret_hash
from identity.consents.service import Consents
from identity.grants.models import Grant
from identity.oauth.authorization.acr import level_of
from identity.oauth.device import rules
from identity.oauth.device.errors import Refused
from identity.oauth.device.models import DeviceCode
from identity.oauth.device.repository import DeviceRepository
from identity.oauth.state.context import Context
from identity.oauth.state.handles import handle, id_of
from identity.sessions.models import BrowserSession
from servicekit.ids import id_at, new_id

_PURPOSE = "device-user-code"
_TRIES = "device-tries"


@dataclass(frozen=True)
class Codes:
    """What the device is told; neither can be shown again."""

    device_code: str
    user_code: str


@dataclass(frozen=True)
class Wanting:
    """The person has to authenticate further before they decide."""

    acr: str | None = None
    """The level to reach in the same session; None to sign in again."""


class Devices:
    """The device flow within one request, on the sync face of its session."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rows = DeviceRepository(context.session)

    def request(self, client: Client, scope: str, resources: list[str]) -> Codes:
        """Begin: codes for a device whose request has been checked."""
        now, row_id, user_code = self._context.clock.now(), new_id(), rules.new_user_code()
        device_code = handle(row_id)
        self._rows.add(
            DeviceCode(
                id=row_id,
                code_hash=secret_hash(device_code),
                user_code_hash=self._hash(user_code),
                client_id=client.client_id,
                scope=scope,
                resources=resources,
                issued_at=now,
                expires_at=now + rules.LIFETIME,
                interval=rules.INTERVAL,
            )
        )
        return Codes(device_code, rules.shown(user_code))

    def presented(self, device_code: str, client: Client) -> DeviceCode | None:
        """The request of a device code, locked, if it is this client's."""
        row_id = id_of(device_code)
        row = None if row_id is None else self._rows.lock(row_id)
        if row is None or row.code_hash != secret_hash(device_code) or row.client_id != client.client_id:
            return None
        return row

    def find(self, browser: BrowserSession, address: str, typed: str) -> tuple[DeviceCode, Client] | Refused:
        """The request that a person has typed the code of, locked.

        Wrong codes are counted for the person and the address, right ones are not (§5.1). What a person
        tries beyond their limit does not count for the address, which others share. A refusal must be
        rendered: raised, it would undo the count.
        """
        now = self._context.clock.now()
        limits = (
            (f"person\0{browser.account_id}", rules.TRIES_PER_PERSON),
            (f"address\0{address}", rules.TRIES_PER_ADDRESS),
        )
        keys = [(self._context.vault.index(_TRIES, of), most) for of, most in limits]
        begins = now - rules.TRIES_WINDOW
        # Counted first, so that of many tries at once none is overlooked.
        if not all(self._rows.count_try(key, now, begins) <= most for key, most in keys):
            return Refused.TOO_MANY
        code = rules.normal(typed)
        rows = [] if code is None else self._rows.live(self._hash(code), now)
        # Two devices with one code: nobody could say which is meant.
        row = rows[0] if len(rows) == 1 else None
        client = None if row is None else self._context.client(row.client_id)
        if row is None or client is None:
            return Refused.UNKNOWN
        for key, _ in keys:
            self._rows.take_back_try(key)
        return row, client

    def wanting(self, row: DeviceCode, client: Client, browser: BrowserSession) -> Wanting | None:
        """What the browser's sign-in lacks for the client, None if nothing.

        The client's `default_max_age` and `default_acr_values` count (OpenID Connect Dynamic Client
        Registration §2); the flow has no parameters of its own for them.
        """
        signed_in_since = browser.begun_at >= row.issued_at
        if not signed_in_since and rules.too_old(
            browser.authenticated_at, client.default_max_age, self._context.clock.now()
        ):
            return Wanting()
        level = level_of({}, None, client.default_acr_values)
        return None if level.met(browser.acr) else Wanting(level.need)

    def allow(self, row: DeviceCode, client: Client, browser: BrowserSession) -> None:
        """The person lets the device in: a grant, as of a code, and a consent that they can withdraw.

        With `offline_access` the grant is not of the browser's session and lasts for
        `device_grant_days`; it ends when the consent is withdrawn or an administrator signs the person out.
        Without, it ends with the session.
        """
        context, now = self._context, self._context.clock.now()
        scopes = set(row.scope.split())
        offline = "offline_access" in scopes
        lifetime = (
            timedelta(days=context.settings.device_grant_days)
            if offline
            else timedelta(seconds=context.settings.session_absolute_seconds)
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
        )
        self._rows.add(grant)
        self._rows.flush()
        row.allow(grant)
        Consents(context.session, context.clock).give(
            browser.account_id, client.client_id, scopes, set(row.resources)
        )
        self._record("device.allowed", row, browser, grant=str(grant.id))

    def deny(self, row: DeviceCode, browser: BrowserSession) -> None:
        """The person does not let the device in."""
        row.deny(self._context.clock.now())
        self._record("device.denied", row, browser)

    def _hash(self, user_code: str) -> bytes:
        return self._context.vault.index(_PURPOSE, user_code)

    def _record(self, action: str, row: DeviceCode, browser: BrowserSession, **details: str) -> None:
        audit.record(
            self._context.session,
            self._context.clock,
            actor=browser.account_id,
            action=action,
            target=browser.account_id,
            client=row.client_id,
            sid=str(browser.id),
            **details,
        )
