"""What a page is given to hand back: sealed, for one purpose, of one browser, for some minutes.

A page so carries a new TOTP secret or a WebAuthn challenge without anything being stored for it.
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
    """Tickets of one browser; `binding` is what only it has, and what a new sign-in changes."""

    def __init__(self, vault: Vault, clock: Clock, binding: str) -> None:
        self._vault = vault
        self._clock = clock
        self._binding = binding

    def issue(self, purpose: str, **values: str) -> str:
        """A ticket with `values` in it, which cannot be read from it."""
        plain = json.dumps({**values, "at": self._clock.now().isoformat()})
        return base64.urlsafe_b64encode(self._vault.seal(self._name(purpose), plain)).decode()

    def open(self, ticket: str, purpose: str, lifetime: timedelta) -> dict[str, str]:
        """What is in a ticket, and `at`. Raises `PageStale`."""
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
