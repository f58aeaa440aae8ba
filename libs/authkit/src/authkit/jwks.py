"""The issuer's public keys (RFC 7517), fetched ahead of need and kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import structlog

from servicekit.background import repeated
from servicekit.retry import RetryPolicy

log = structlog.get_logger("jwks")

Fetch = Callable[[], Awaitable[dict[str, Any]]]

_REFRESH_SECONDS = 300.0
# Until the issuer has started, every second counts.
_RETRY = RetryPolicy(base=1.0, cap=1.0)
_UNKNOWN_KID_SECONDS = 5.0


def fetch_over_http(url: str) -> Fetch:
    """Fetch the key set from `url`."""

    async def fetch() -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=5, follow_redirects=False) as client:
            response = await client.get(url)
            response.raise_for_status()
            document: dict[str, Any] = response.json()
            return document

    return fetch


class KeySet:
    """Signing keys by `kid`. Only public EC and RSA keys with a `kid` are taken, nothing symmetric."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: dict[str, dict[str, Any]] = {}
        self._fetched = -_UNKNOWN_KID_SECONDS
        self._lock = asyncio.Lock()

    @property
    def loaded(self) -> bool:
        """Whether any key has been fetched."""
        return bool(self._keys)

    async def refresh(self) -> None:
        """Fetch now. Keys that have left the set are dropped.

        Raises what the fetching raises, and ValueError for a document that is no key set.
        """
        self._keys = _signing_keys(await self._fetch())
        self._fetched = time.monotonic()

    async def get(self, kid: str) -> dict[str, Any] | None:
        """The key `kid` as a JWK, or None.

        An unknown `kid` may be a key published a moment ago: the set is fetched again, at most once in
        five seconds however many forged tokens arrive.
        """
        if kid not in self._keys:
            async with self._lock:
                if kid not in self._keys and time.monotonic() - self._fetched > _UNKNOWN_KID_SECONDS:
                    self._fetched = time.monotonic()
                    try:
                        await self.refresh()
                    except Exception as error:  # whatever the fetching raises: what is known stays
                        log.warning("keys not fetched", error=repr(error))
        return self._keys.get(kid)

    def kept_fresh(self) -> AbstractAsyncContextManager[None]:
        """Fetch in the background for as long as the context lasts."""
        return repeated("jwks", self.refresh, every=_REFRESH_SECONDS, retry=_RETRY)


_PUBLIC = {"kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"}


def _signing_keys(document: Any) -> dict[str, dict[str, Any]]:
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise ValueError("not a JWK Set (RFC 7517 §5)")
    return {
        key["kid"]: {name: value for name, value in key.items() if name in _PUBLIC}
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") in ("EC", "RSA")
        and isinstance(key.get("kid"), str)
        and key.get("use", "sig") == "sig"
    }
