"""Methods for the issuer's pages. Each runs the sync protocol core in the request's transaction."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.oauth.authorization.endpoint import consent_asked
from identity.oauth.authorization.interaction import Marker
from identity.oauth.server import Issuer
from identity.oauth.state.context import Context, entered
from identity.oauth.state.messages import Pairs
from identity.oauth.tokens import signed_userinfo
from identity.sessions.models import BrowserSession

T = TypeVar("T")


class OAuth:
    """The issuer for one request."""

    def __init__(self, session: AsyncSession, context: Context, server: Issuer) -> None:
        self._session = session
        self._context = context
        self._server = server

    async def allow(self, pairs: Pairs, browser: BrowserSession, marker: Marker) -> None:
        """Store the person's consent to the request, if it requires any. Idempotent."""
        self._context.browser = browser
        page = await self._run(lambda: consent_asked(self._context, self._server, pairs, marker))
        if page is not None:
            await self._context.consents.give(
                page.account, page.client_id, set(page.scopes), set(page.resources)
            )

    async def granted_claims(self, grant_id: str | None) -> list[str]:
        """Return the claims that the `claims` parameter requests from userinfo."""

        def run() -> list[str]:
            grant = None if grant_id is None else self._context.rows.grant(UUID(grant_id))
            if grant is None:
                return []
            return (grant.claims or {}).get("userinfo", [])

        return await self._run(run)

    async def signed_userinfo(self, client_id: str, claims: dict[str, Any]) -> str | None:
        """Return userinfo as a JWT for a client registered for it, else None."""
        return await self._run(lambda: signed_userinfo.sign(self._context, client_id, claims))

    async def _run(self, call: Callable[[], T]) -> T:
        def on(_: Session) -> T:
            with entered(self._context):
                return call()

        return await self._session.run_sync(on)
