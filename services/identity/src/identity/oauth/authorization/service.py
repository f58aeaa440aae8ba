"""The authorization endpoint for one browser, on a lane if it needs no session."""

from datetime import timedelta

from identity.clients.naming import Names
from identity.clients.shown import SystemName
from identity.oauth.authorization.checks import AuthorizationServer
from identity.oauth.authorization.endpoint import Outcome, authorize
from identity.oauth.authorization.interaction import Marker
from identity.oauth.state.context import Context, Parts
from identity.oauth.state.messages import Pairs
from identity.oauth.state.running import on_lane
from identity.oauth.state.snapshots import Visitor
from identity.sessions.models import BrowserSession
from identity.sessions.rules import parts_of
from servicekit.db import Database


class Authorizing:
    """The issuer for browsers that clients send."""

    def __init__(self, database: Database, parts: Parts, server: AuthorizationServer) -> None:
        self._database = database
        self._parts = parts
        self._server = server

    async def authorize(
        self, pairs: Pairs, cookie: str | None, marker: Marker | None
    ) -> tuple[Outcome, BrowserSession | None]:
        """Answer a request (RFC 6749 §3.1, OpenID Connect Core §3.1.2); also return the live session of the
        cookie, to be read only.
        """

        def call(context: Context) -> tuple[Outcome, BrowserSession | None]:
            context.visitor = self._visitor(context, cookie)
            browser = context.browser = None if context.visitor is None else context.visitor.session
            outcome = authorize(context, self._server, pairs, marker)
            if browser is not None and browser.stale(context.clock.now()):
                # Last: the account is locked before the session.
                context.browsing.touch(browser.id, context.clock.now())
            return outcome, browser

        return await on_lane(self._database, self._parts, call)

    async def live_session(self, cookie: str | None) -> BrowserSession | None:
        """Return the live session of the cookie, to be read only."""
        return await on_lane(
            self._database, self._parts, lambda context: self._resumed(context, cookie), single=True
        )

    async def system(self, client_id: str) -> SystemName | None:
        """Return how people know a client, for a page."""
        async with self._database.transaction() as session:
            return await Names(session, self._parts.clients, self._database).of(client_id)

    def _visitor(self, context: Context, cookie: str | None) -> Visitor | None:
        """Return the live session of the cookie, with its person."""
        sid, secret = parts_of(cookie)
        found = None if sid is None else context.browsing.visitor(sid, secret)
        return found if found is not None and self._alive(context, found.session) else None

    def _resumed(self, context: Context, cookie: str | None) -> BrowserSession | None:
        sid, secret = parts_of(cookie)
        found = None if sid is None else context.browsing.session(sid)
        if found is None or not found.opened_by(secret):
            return None
        return found if self._alive(context, found) else None

    def _alive(self, context: Context, session: BrowserSession) -> bool:
        settings = self._parts.settings
        idle = timedelta(seconds=settings.session_idle_seconds)
        absolute = timedelta(seconds=settings.session_absolute_seconds)
        return session.alive(context.clock.now(), idle, absolute)
