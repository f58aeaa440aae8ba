"""Client of Identity's snapshot API: all units or people, a page at a time."""

from collections.abc import AsyncIterator
from typing import TypeVar

import httpx

from contracts import EventModel
from contracts.identity import PersonChangedV1, UnitChangedV1
from contracts.vocabulary import Audience
from replica.settings import SnapshotSettings

E = TypeVar("E", bound=EventModel)

PAGE = 1000


class Snapshot:
    """Reads with this service's own token (RFC 6749 §4.4, scope `directory:read`)."""

    def __init__(self, settings: SnapshotSettings) -> None:
        self._base = str(settings.identity_url).rstrip("/")
        self._auth = httpx.BasicAuth(settings.client_id, settings.client_secret.get_secret_value())

    def units(self) -> AsyncIterator[list[UnitChangedV1]]:
        """Every unit, in order of id."""
        return self._pages("units", UnitChangedV1)

    def people(self) -> AsyncIterator[list[PersonChangedV1]]:
        """Every person."""
        return self._pages("people", PersonChangedV1)

    async def _pages(self, what: str, model: type[E]) -> AsyncIterator[list[E]]:
        async with httpx.AsyncClient(timeout=60) as client:
            cursor: str | None = None
            while True:
                # A long read outlives a token of five minutes, so each page asks for one when needed.
                token = await self._token(client)
                response = await client.get(
                    f"{self._base}/api/v1/snapshot/{what}",
                    params={"limit": PAGE, **({"cursor": cursor} if cursor else {})},
                    headers={"Authorization": f"Bearer {token}"},
                )
                response.raise_for_status()
                page = response.json()
                yield [model.model_validate(item) for item in page["items"]]
                cursor = page.get("next")
                if cursor is None:
                    return

    async def _token(self, client: httpx.AsyncClient) -> str:
        response = await client.post(
            f"{self._base}/token",
            auth=self._auth,
            data={
                "grant_type": "client_credentials",
                "scope": "directory:read",
                "resource": Audience.IDENTITY,
            },
        )
        response.raise_for_status()
        return str(response.json()["access_token"])
