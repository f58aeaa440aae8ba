"""The cookies of sessions: of a person, and of a wall display at the same browser.

`__Host-Http-` (RFC 6265bis §4.1.3): set by the server over a secure connection, for this host and all paths,
and hidden from scripts. Browsers treat http://localhost as secure.
"""

import secrets
from hashlib import sha256

from starlette.requests import HTTPConnection
from starlette.responses import Response

from portal.sessions import rules

NAME = "__Host-Http-zhuxue"
WALL = "__Host-Http-zhuxue-wall"
_MAX_LENGTH = 128


def new_secret() -> str:
    """Return the value of a new cookie, 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is stored of a value. It is random, so an unsalted hash is sufficient."""
    return sha256(secret.encode()).digest()


def presented(request: HTTPConnection, name: str = NAME) -> bytes | None:
    """Return the digest of the request's cookie, or None."""
    value = request.cookies.get(name, "")
    return digest(value) if 0 < len(value) <= _MAX_LENGTH else None


def put(response: Response, secret: str) -> None:
    """Set the cookie. It ends with the browser; the session ends earlier if it is not used."""
    response.set_cookie(NAME, secret, path="/", secure=True, httponly=True, samesite="strict")


def put_wall(response: Response, secret: str) -> None:
    """Set the cookie of a wall display, which outlasts the browser: a display is switched off at night."""
    seconds = int(rules.WALL.total_seconds())
    response.set_cookie(
        WALL, secret, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


def clear(response: Response) -> None:
    """Delete the cookie."""
    response.delete_cookie(NAME, path="/", secure=True, httponly=True, samesite="strict")
