"""What a browser keeps between its departure to Identity and its return: one cookie for each attempt.

Two tabs that sign in at the same time have two attempts.
"""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from joserfc.jwk import ECKey
from joserfc.util import to_bytes, urlsafe_b64decode
from starlette.requests import Request
from starlette.responses import Response

from authkit.client_keys import key_of
from portal.issuer.keys import new_session_key
from portal.sessions.sealing import Sealing

LIFETIME = timedelta(minutes=10)
_COOKIE = "__Host-Http-zhuxue-sign-in-"
_PART = 12
"""So many characters of `state` name the cookie."""
_NAME = re.compile(rf"{_COOKIE}[\w-]{{{_PART}}}", re.ASCII)
_MAX_LENGTH = 8192
MOST = 5
"""So many attempts a browser keeps. Many tabs that open at once would fill the header of all requests beyond
what servers read (8 KiB at nginx).
"""


@dataclass(frozen=True)
class Attempt:
    """An attempt to sign in. `state`, `nonce` and `verifier` have 256 random bits each."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    key: ECKey
    until: float

    @classmethod
    def new(cls, return_to: str, now: datetime) -> "Attempt":
        """Begin an attempt."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, return_to, new_session_key(), (now + LIFETIME).timestamp())

    def keep(self, response: Response, sealing: Sealing) -> None:
        """Have the browser keep the attempt, encrypted. `Lax`: it comes back from another site."""
        kept = {**vars(self), "key": self.key.as_dict(private=True)["d"]}
        response.set_cookie(
            _COOKIE + self.state[:_PART],
            sealing.transaction(json.dumps(kept).encode()),
            max_age=int(LIFETIME.total_seconds()),
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )

    def forget(self, response: Response) -> None:
        """Have the browser delete the attempt: it is used once."""
        name = _COOKIE + self.state[:_PART]
        response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def limit(request: Request, response: Response) -> None:
    """Have the browser delete its oldest attempts before another one; browsers send the oldest first."""
    found = [name for name in request.cookies if _NAME.fullmatch(name)]
    for name in found[: max(0, len(found) - MOST + 1)]:
        response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def kept(request: Request, state: str, sealing: Sealing, now: datetime) -> Attempt | None:
    """Return the attempt with this state that the browser has begun, or None."""
    sealed = request.cookies.get(_COOKIE + state[:_PART], "")
    if not 0 < len(sealed) <= _MAX_LENGTH:
        return None
    try:
        found: dict[str, Any] = json.loads(sealing.opened_transaction(sealed))
    except (InvalidTag, ValueError):
        return None
    attempt = Attempt(**{**found, "key": key_of(urlsafe_b64decode(to_bytes(found["key"])))})
    if not secrets.compare_digest(attempt.state.encode(), state.encode()):
        return None
    return attempt if now.timestamp() < attempt.until else None
