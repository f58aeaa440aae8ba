"""Tickets that a page returns: encrypted, for one purpose and browser, with a lifetime of some minutes.

They carry a new TOTP secret or a WebAuthn challenge without a stored row.
"""

from datetime import timedelta

from identity.authenticators.errors import PageStale
from identity.sealing import BadToken, seal, unseal
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
        return seal(self._vault, self._name(purpose), self._clock.now(), **values)

    def open(self, ticket: str, purpose: str, lifetime: timedelta) -> dict[str, str]:
        """Return the values of a ticket, and `at`. Raises `PageStale`."""
        try:
            return unseal(self._vault, self._name(purpose), ticket, self._clock.now(), lifetime)
        except BadToken as error:
            raise PageStale from error

    def _name(self, purpose: str) -> str:
        return f"ticket\0{purpose}\0{self._binding}"
