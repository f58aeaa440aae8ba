"""Tokens that a browser keeps and returns: encrypted values without a stored row."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag

from identity.vault import Vault


class BadToken(Exception):
    """The token was not issued for this purpose, or its lifetime is over."""


def seal(vault: Vault, purpose: str, now: datetime, **values: Any) -> str:
    """Return an encrypted token with `values`; `purpose` names what, and for whom, it is valid."""
    plain = json.dumps({**values, "at": now.isoformat()})
    return base64.urlsafe_b64encode(vault.seal(purpose, plain)).decode()


def unseal(vault: Vault, purpose: str, token: str, now: datetime, lifetime: timedelta) -> dict[str, Any]:
    """Return the values of a token, and `at`. Raises `BadToken`."""
    try:
        values: dict[str, Any] = json.loads(vault.open(purpose, base64.urlsafe_b64decode(token.encode())))
    except (ValueError, InvalidTag) as error:
        raise BadToken from error
    if now >= datetime.fromisoformat(values["at"]) + lifetime:
        raise BadToken
    return values
