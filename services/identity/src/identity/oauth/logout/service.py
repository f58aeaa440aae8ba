"""Logout requests (OpenID Connect RP-Initiated Logout 1.0 §2): validation, and ending the session."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.models import Client
from identity.oauth.authorization.locations import with_parameters
from identity.oauth.state.context import Context
from identity.oauth.tokens import id_token_hint
from identity.oauth.tokens.id_token_hint import Hint
from identity.sessions.models import BrowserSession
from identity.sessions.service import Sessions

_PARAMETERS = frozenset(
    {"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales"}
)


@dataclass(frozen=True)
class LogoutRequest:
    """A validated logout request. `uri` is registered for `client`."""

    hint: Hint | None = None
    client: Client | None = None
    uri: str | None = None
    state: str | None = None
    fault: str | None = None
    """Why the request is invalid; then no other field is set and no session ends (§4)."""
    token: str | None = None
    """The ID token of `hint`, as it was sent."""

    @property
    def onward(self) -> str | None:
        """The URI to redirect to after the logout."""
        if self.uri is None:
            return None
        return with_parameters(self.uri, [("state", self.state)]) if self.state else self.uri

    def parameters(self, *, hint: bool = False) -> list[tuple[str, str]]:
        """Return the parameters for the confirmation form; validated again on submission.

        With `hint` also the ID token, for a browser without a session.
        """
        pairs = [
            ("id_token_hint", self.token if hint else None),
            ("client_id", None if self.client is None else self.client.client_id),
            ("post_logout_redirect_uri", self.uri),
            ("state", self.state if self.uri else None),
        ]
        return [(name, value) for name, value in pairs if value]


class Logout:
    """Logout for one request."""

    def __init__(self, session: AsyncSession, context: Context, sessions: Sessions) -> None:
        self._session = session
        self._context = context
        self._sessions = sessions

    async def check(self, pairs: Sequence[tuple[str, str]]) -> LogoutRequest:
        """Validate a logout request; one with a `fault` must be rejected."""
        named = [(name, value) for name, value in pairs if name in _PARAMETERS and value]
        given = dict(named)
        if len(given) != len(named):
            return LogoutRequest(fault="A parameter is repeated.")
        return await self._session.run_sync(lambda _: self._check(given))

    async def named(self, asked: LogoutRequest) -> BrowserSession | None:
        """Return the session that the ID token of a request names, locked, unless it has ended."""
        sid = None if asked.hint is None else asked.hint.sid
        return None if sid is None else await self._sessions.lock(sid)

    async def end(self, row: BrowserSession | None) -> Sequence[Client]:
        """End a session. Return the clients used in it, for front-channel logout."""
        if row is None:
            return []
        clients = await self._sessions.clients(row)
        await self._sessions.end(row, "signed out")
        return clients

    def _check(self, given: dict[str, str]) -> LogoutRequest:
        hint = None
        if "id_token_hint" in given:
            hint = id_token_hint.read(self._context, given["id_token_hint"])
            if hint is None:
                return LogoutRequest(fault="The id_token_hint is not valid.")
        client_id = given.get("client_id")
        if hint is not None and client_id is not None and client_id not in hint.audience:
            return LogoutRequest(fault="The id_token_hint was issued to another client.")
        if client_id is None and hint is not None:
            client_id = hint.audience[0]
        client = None if client_id is None else self._context.client(client_id)
        if client_id is not None and client is None:
            return LogoutRequest(fault="The client is not known.")
        uri = given.get("post_logout_redirect_uri")
        if client is None:
            # The URI cannot be verified: sign out without a redirect.
            uri = None
        elif uri is not None and uri not in client.post_logout_redirect_uris:
            return LogoutRequest(fault="The post_logout_redirect_uri is not registered.")
        return LogoutRequest(hint, client, uri, given.get("state"), token=given.get("id_token_hint"))
