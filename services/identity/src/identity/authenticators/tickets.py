"""Tickets that a page returns: encrypted, for one purpose and browser, with a lifetime of some minutes.

They carry a new TOTP secret or a WebAuthn challenge without a stored row.
"""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag

from identity.authenticators.errors import PageStale
from identity.vault import Vault
from servicekit.clock import Clock


class Tickets:
    """Tickets of one browser. `binding` is known only to this browser and changes at every sign-in."""

    def __init__(self, vault: Vault, clock: Clock, binding: str) -> None:
        self._vault = vault
        self._clock = clock
        self._binding = binding

    def issue(self, purpose: str, **values: str) -> str:
        """Return an encrypted ticket with `values`."""
        plain = json.dumps({**values, "at": self._clock.now().isoformat()})
        return base64.urlsafe_b64encode(self._vault.seal(self._name(purpose), plain)).decode()

    def open(self, ticket: str, purpose: str, lifetime: timedelta) -> dict[str, str]:
        """Return the values of a ticket, and `at`. Raises `PageStale`."""
        try:
            sealed = base64.urlsafe_b64decode(ticket.encode())
            values: dict[str, Any] = json.loads(self._vault.open(self._name(purpose), sealed))
        except (ValueError, InvalidTag) as error:
            raise PageStale from error
        if self._clock.now() >= datetime.fromisoformat(values["at"]) + lifetime:
            raise PageStale
        return values

    def _name(self, purpose: str) -> str:
        return f"ticket\0{purpose}\0{self._binding}"
