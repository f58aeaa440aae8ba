"""Keys that clients publish at their `jwks_uri`, fetched with limits and cached.

The address is untrusted input: a fetch must not reach the internal network (SSRF) or block for long.
"""

import asyncio
import ipaddress
import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import structlog

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

    async def fetch(self, uri: str, kid: str | None, *, dev: bool) -> dict[str, Any]:
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
                document = await self._download(uri, dev)
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

    async def _download(self, uri: str, dev: bool) -> dict[str, Any]:
        parts = urlsplit(uri)
        host = parts.hostname
        if parts.scheme not in (("https", "http") if dev else ("https",)) or host is None:
            raise NotFetched("not an https address")
        headers, extensions, target = {"Accept": "application/json"}, {}, uri
        if not dev:
            # Connect to the verified address; a second DNS look-up could return another one.
            address = await _public_address(host, parts.port or 443)
            literal = f"[{address}]" if ":" in address else address
            target = urlunsplit(parts._replace(netloc=f"{literal}:{parts.port or 443}"))
            headers["Host"] = parts.netloc.rpartition("@")[2]
            extensions = {"sni_hostname": host}
        async with (
            httpx.AsyncClient(
                timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False, transport=self.transport
            ) as client,
            client.stream("GET", target, headers=headers, extensions=extensions) as response,
        ):
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


async def _public_address(host: str, port: int) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    # Reject if any address is private, because the resolver's choice is not under our control.
    if not addresses or not all(ipaddress.ip_address(address).is_global for address in addresses):
        raise NotFetched("not a public address")
    return addresses[0]
