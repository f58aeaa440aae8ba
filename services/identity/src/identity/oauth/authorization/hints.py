"""Who will sign in (`login_hint`, OpenID Connect Core §3.1.2.1), without phone numbers in addresses.

A client may know the number of the person who comes, and name it in its request. Addresses stay in the
history of browsers and in the logs of proxies, so the issuer's own ones have the number encrypted.
"""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag

from identity.vault import Vault

PARAM = "login_hint"
MAX_LENGTH = 400
"""Of a sealed hint."""
_PURPOSE = "login_hint"
_MARK = "sealed."
_LONGEST = 60
"""Characters that are kept: a number with all its punctuation is shorter."""
_DIGITS = 7


def sealed(vault: Vault, hint: str) -> str:
    """Return a hint for the issuer's own addresses: encrypted if it may be a number, unless it is already."""
    if sum(character.isdigit() for character in hint) < _DIGITS or _opened(vault, hint) is not None:
        return hint
    return _MARK + base64.urlsafe_b64encode(vault.seal(_PURPOSE, hint[:_LONGEST])).decode()


def without_numbers(vault: Vault, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parameters of an authorization request with its hint sealed."""
    return [(name, sealed(vault, value) if name == PARAM else value) for name, value in pairs]


def opened(vault: Vault, hint: str) -> str:
    """Return what a client said, from a hint that may be sealed."""
    found = _opened(vault, hint)
    return hint if found is None else found


def _opened(vault: Vault, hint: str) -> str | None:
    if not hint.startswith(_MARK):
        return None
    try:
        return vault.open(_PURPOSE, base64.urlsafe_b64decode(hint.removeprefix(_MARK)))
    except (binascii.Error, ValueError, InvalidTag):
        return None
