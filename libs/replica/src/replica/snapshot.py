"""Client of Identity's snapshot API, which returns all units, people, roles or live revocations in pages."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Generic, Literal, TypeVar

import httpx
from pydantic import BaseModel

from contracts.identity import PersonChangedV1, RoleChangedV1, UnitChangedV1
from contracts.revocations import Revoked
from contracts.vocabulary import Audience
from replica.settings import SnapshotSettings
from servicekit.tracing import HOOKS

E = TypeVar("E", bound=BaseModel)
What = Literal["units", "people", "roles", "revocations"]

PAGE = 1000
# A token is replaced this many seconds before it expires, which is the maximum time for a page.
_MARGIN_SECONDS = 60.0
_NOTHING: Mapping[str, str] = {}


class Page(BaseModel, Generic[E]):
    """One page, in the order of its list; `next` is the cursor of the next page, None on the last page."""

    items: list[E]
    next: str | None = None


class _Token(BaseModel):
    access_token: str
    expires_in: float = 0.0


class Snapshot:
    """Reads with a client credentials token (RFC 6749 §4.4, scope `directory:read`)."""

    def __init__(self, settings: SnapshotSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Create the client; tests replace the network with `transport`."""
        self._transport = transport
        self._base = str(settings.identity_url).rstrip("/")
        self._auth = httpx.BasicAuth(settings.client_id, settings.client_secret.get_secret_value())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Reader"]:
        """Open a reader that uses one connection and one token for all pages."""
        async with httpx.AsyncClient(timeout=60, transport=self._transport, event_hooks=HOOKS) as client:
            yield Reader(client, self._base, self._auth)


class Reader:
    """Reads pages. Raises `httpx.HTTPError` if Identity does not return a page."""

    def __init__(self, client: httpx.AsyncClient, base: str, auth: httpx.BasicAuth) -> None:
        self._client = client
        self._base = base
        self._auth = auth
        self._token = ""
        self._token_until = 0.0

    async def units(self, cursor: str | None) -> Page[UnitChangedV1]:
        """Return the page of units after `cursor`."""
        return Page[UnitChangedV1].model_validate_json(await self._read("units", cursor))

    async def people(self, cursor: str | None) -> Page[PersonChangedV1]:
        """Return the page of people after `cursor`."""
        return Page[PersonChangedV1].model_validate_json(await self._read("people", cursor))

    async def roles(self, cursor: str | None) -> Page[RoleChangedV1]:
        """Return the page of roles after `cursor`."""
        return Page[RoleChangedV1].model_validate_json(await self._read("roles", cursor))

    async def revocations(self, cursor: str | None, recorded_from: datetime | None) -> Page[Revoked]:
        """Return the page after `cursor` of the revocations that still apply, recorded since then."""
        since = {} if recorded_from is None else {"recorded_from": recorded_from.isoformat()}
        return Page[Revoked].model_validate_json(await self._read("revocations", cursor, since))

    async def _read(self, what: What, cursor: str | None, narrowed: Mapping[str, str] = _NOTHING) -> bytes:
        if time.monotonic() > self._token_until:
            await self._fetch_token()
        response = await self._get(what, cursor, narrowed)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            # The token was revoked, or its signing key was removed.
            await self._fetch_token()
            response = await self._get(what, cursor, narrowed)
        return response.raise_for_status().content

    async def _get(self, what: What, cursor: str | None, narrowed: Mapping[str, str]) -> httpx.Response:
        return await self._client.get(
            f"{self._base}/api/v1/snapshot/{what}",
            params={"limit": PAGE, **narrowed, **({"cursor": cursor} if cursor else {})},
            headers={"Authorization": f"Bearer {self._token}"},
        )

    async def _fetch_token(self) -> None:
        asked = time.monotonic()
        response = await self._client.post(
            f"{self._base}/token",
            auth=self._auth,
            data={
                "grant_type": "client_credentials",
                "scope": "directory:read",
                "resource": Audience.IDENTITY.value,
            },
        )
        token = _Token.model_validate_json(response.raise_for_status().content)
        self._token = token.access_token
        self._token_until = asked + token.expires_in - min(_MARGIN_SECONDS, token.expires_in / 2)
