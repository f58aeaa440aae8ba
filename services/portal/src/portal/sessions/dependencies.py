"""The session of a request."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from contracts.vocabulary import Audience
from portal.errors import CrossSite
from portal.sessions import cookies
from portal.sessions.models import BrowserSession
from portal.sessions.renewing import AccessTokens, BoundToken
from portal.sessions.repository import SessionRepository
from portal.sessions.service import Sessions
from servicekit.db import Database, Session

HEADER = "x-csrf"
"""Every request of a script has it, with the value 1: pages of other sites cannot send it without asking
(CORS preflight), and the portal allows no other origin (RFC 10017 §6.1.3.3.2).
"""
_MOST_OF_NAME = 512
"""So many characters of what a browser says it is are kept."""
UNATTENDED = "x-unattended"
"""Requests that a page makes while nobody is at it have it, with the value 1: they do not keep a session."""


def of_portal(request: HTTPConnection, origin: str) -> None:
    """Verify that a page of the portal sent the request. Raises `CrossSite`.

    Also by what the browser itself says: `Sec-Fetch-Site` and `Origin`, if present.
    """
    if request.headers.get(HEADER) != "1":
        raise CrossSite
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise CrossSite
    if request.headers.get("origin", origin) != origin:
        raise CrossSite


async def _guarded(request: Request) -> None:
    of_portal(request, request.app.state.public_origin)


Guarded = Depends(_guarded)
"""Only for pages of the portal."""


def sessions_of(request: HTTPConnection, session: AsyncSession) -> Sessions:
    """Return the sessions within a transaction."""
    state = request.app.state
    return Sessions(SessionRepository(session), state.sealing, state.clock, state.lifetimes)


async def _sessions(request: Request, session: Session) -> Sessions:
    return sessions_of(request, session)


SessionService = Annotated[Sessions, Depends(_sessions)]


def browser_of(request: HTTPConnection) -> str:
    """Return what the browser says it is, as much of it as is kept."""
    return request.headers.get("user-agent", "")[:_MOST_OF_NAME]


def attended(request: HTTPConnection) -> bool:
    """Return whether somebody was at the page that sent the request, by what it says."""
    return request.headers.get(UNATTENDED) != "1"


async def _current(request: Request) -> BrowserSession:
    """Return the browser's session, in a transaction of its own: a call to another system may follow."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        found = sessions_of(request, session)
        return await found.find(cookies.presented(request), used=attended(request))


async def current_with_token(
    request: HTTPConnection, audience: Audience, *, used: bool
) -> tuple[BrowserSession, BoundToken | None]:
    """Return the browser's session and its token for a service, if it has a usable one, in one transaction.

    `used`: somebody uses the session, which therefore lasts longer. Raises `SignInRequired`.
    """
    database: Database = request.app.state.database
    tokens: AccessTokens = request.app.state.tokens
    async with database.transaction() as session:
        row = await sessions_of(request, session).find(cookies.presented(request), used=used)
        return row, await tokens.held(session, row, audience)


async def wall(request: HTTPConnection) -> BrowserSession:
    """Return the session of a wall display, in a transaction of its own. Raises `SignInRequired`."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        return await sessions_of(request, session).wall(cookies.presented(request, cookies.WALL))


CurrentSession = Annotated[BrowserSession, Depends(_current)]
"""The browser's session; 401 without one."""
