"""What a browser that asks for SMS codes keeps in cookies: the ticket that its codes are bound to, and the
token of a remembered device.

A device token is issued at sign-in. It proves nothing but that somebody with access to the account has signed
in at this browser, and it gives nothing but a budget for SMS codes that strangers cannot spend.
"""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from identity.codes import rules
from identity.sealing import BadToken, seal, unseal
from identity.vault import Vault
from servicekit.clock import Clock

_PURPOSE = "device"
_DEVICE, _TICKET = "zhuxue_device", "zhuxue_ticket"


class Devices:
    """Device tokens of remembered browsers."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    def remember(self, account: UUID, token: str | None) -> str:
        """Return the browser's new token, which also remembers `account`. `token` is its previous one."""
        now = self._clock.now()
        known = self._open(token) or {"device": secrets.token_hex(16), "accounts": {}}
        since = known["accounts"].pop(str(account), now.isoformat())
        others = list(known["accounts"].items())[: rules.DEVICE_ACCOUNTS - 1]
        accounts = dict([(str(account), since), *others])
        return seal(self._vault, _PURPOSE, now, device=known["device"], accounts=accounts)

    def key_of(
        self, account: UUID | None, token: str | None, *, after: timedelta = timedelta(0)
    ) -> bytes | None:
        """Return the key of the budgets of `account` at this browser, or None if it has not signed in there,
        or not as long as `after` ago.
        """
        known = self._open(token)
        since = None if known is None else known["accounts"].get(str(account))
        if known is None or since is None or self._clock.now() < datetime.fromisoformat(since) + after:
            return None
        return self._vault.index("device", f"{account}\0{known['device']}")

    def _open(self, token: str | None) -> dict[str, Any] | None:
        if not token:
            return None
        try:
            values = unseal(self._vault, _PURPOSE, token, self._clock.now(), rules.DEVICE_LIFETIME)
            return values if isinstance(values.get("accounts"), dict) else None
        except BadToken:
            return None


def device_cookie(request: Request) -> str | None:
    """Return the device token of the browser that sent a request."""
    return _cookie(request, _DEVICE)


def keep_device(response: Response, token: str, *, secure: bool) -> None:
    """Set the browser's device token."""
    _keep(response, _DEVICE, token, rules.DEVICE_LIFETIME, secure=secure)


def new_ticket() -> str:
    """Return a new ticket of 256 random bits."""
    return secrets.token_urlsafe(32)


def ticket_cookie(request: Request) -> str:
    """Return the ticket of the browser that sent a request, or a new one; see `keep_ticket`."""
    found = _cookie(request, _TICKET)
    return found if found and re.fullmatch(rules.TICKET, found) else new_ticket()


def keep_ticket(response: Response, ticket: str, *, secure: bool) -> None:
    """Set the cookie with the browser's ticket: the codes sent for it work in no other browser."""
    _keep(response, _TICKET, ticket, rules.DAY, secure=secure)


def _cookie(request: Request, name: str) -> str | None:
    # Only browsers of a deployment without TLS, in dev mode, have the name without a prefix.
    return request.cookies.get(f"__Host-{name}") or request.cookies.get(name)


def _keep(response: Response, name: str, value: str, lifetime: timedelta, *, secure: bool) -> None:
    response.set_cookie(
        f"__Host-{name}" if secure else name,
        value,
        max_age=int(lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
        path="/",
    )
