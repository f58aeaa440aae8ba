"""Keys that clients publish at their `jwks_uri`, fetched with limits and cached.

The address is untrusted input: a fetch must not reach the internal network (`identity.outgoing`) or block for
long.
"""

import asyncio
import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

from identity import outgoing
from identity.addresses import Network

log = structlog.get_logger("client_keys")

_KEPT_SECONDS = 300.0
_AGAIN_SECONDS = 10.0
_TIMEOUT_SECONDS = 3.0
_MAX_BYTES = 65_536
_MAX_KEPT = 1000


class NotFetched(ValueError):
    """The address returned no key set, or fetching from it is not allowed."""


@dataclass
class _Kept:
    document: dict[str, Any]
    at: float


class ClientKeys:
    """Cached key sets by address, for this process."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.transport = transport
        """Replace the HTTP transport, for tests."""
        self._kept: dict[str, _Kept] = {}

    async def fetch(
        self, uri: str, kid: str | None, *, dev: bool, networks: Collection[Network] = ()
    ) -> dict[str, Any]:
        """Return the key set at `uri`. An unknown `kid` triggers a rate-limited refetch.

        Raises `NotFetched`. A failed refetch keeps the cached key set.
        """
        kept = self._kept.get(uri)
        if kept is not None:
            age = time.monotonic() - kept.at
            known = kid is None or any(key.get("kid") == kid for key in kept.document["keys"])
            if age < (_KEPT_SECONDS if known else _AGAIN_SECONDS):
                return kept.document
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                document = await self._download(uri, dev, networks)
        except (httpx.HTTPError, OSError, ValueError, TimeoutError) as error:
            log.warning("client keys not fetched", uri=uri, error=repr(error))
            document = {"keys": []} if kept is None else kept.document
        if len(self._kept) >= _MAX_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[uri] = _Kept(document, time.monotonic())
        if not document["keys"]:
            raise NotFetched(uri)
        return document

    def cached(self, uri: str) -> dict[str, Any] | None:
        """Return the key set last fetched from `uri`."""
        kept = self._kept.get(uri)
        return None if kept is None else kept.document

    async def _download(self, uri: str, dev: bool, networks: Collection[Network]) -> dict[str, Any]:
        async with outgoing.calling(
            "GET",
            uri,
            dev=dev,
            seconds=_TIMEOUT_SECONDS,
            networks=networks,
            accept="application/json",
            transport=self.transport,
        ) as response:
            if response.status_code != 200:
                raise NotFetched(f"status {response.status_code}")
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise NotFetched("too large")
        document = json.loads(body)
        keys = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise NotFetched("not a JWK Set (RFC 7517 §5)")
        return {"keys": keys}
