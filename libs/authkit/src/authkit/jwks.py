"""The issuer's public keys (RFC 7517), fetched in the background and cached."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import structlog

from servicekit.background import repeated
from servicekit.retry import RetryPolicy
from servicekit.tracing import HOOKS

log = structlog.get_logger("jwks")

Fetch = Callable[[], Awaitable[dict[str, Any]]]

_REFRESH_SECONDS = 300.0
# Short delays, because the issuer may be starting at the same time.
_RETRY = RetryPolicy(base=1.0, cap=1.0)
_UNKNOWN_KID_SECONDS = 5.0


def fetch_over_http(url: str) -> Fetch:
    """Fetch the key set from `url`."""

    async def fetch() -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=5, follow_redirects=False, event_hooks=HOOKS) as client:
            response = await client.get(url)
            response.raise_for_status()
            document: dict[str, Any] = response.json()
            return document

    return fetch


class KeySet:
    """Signing keys by `kid`. Only public EC and RSA keys with a `kid` are accepted, no symmetric keys."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: dict[str, dict[str, Any]] = {}
        self._fetched = -_UNKNOWN_KID_SECONDS
        self._lock = asyncio.Lock()

    @property
    def loaded(self) -> bool:
        """Return whether any key has been fetched."""
        return bool(self._keys)

    async def refresh(self) -> None:
        """Fetch the key set now and remove the keys that it no longer contains.

        Raises the errors of the fetch function, and ValueError for a document that is not a key set.
        """
        self._keys = _signing_keys(await self._fetch())
        self._fetched = time.monotonic()

    async def get(self, kid: str) -> dict[str, Any] | None:
        """Return the key `kid` as a JWK, or None.

        An unknown `kid` may be a new key, so the set is fetched again, but at most once in five seconds,
        independent of the number of forged tokens.
        """
        if kid not in self._keys:
            async with self._lock:
                if kid not in self._keys and time.monotonic() - self._fetched > _UNKNOWN_KID_SECONDS:
                    self._fetched = time.monotonic()
                    try:
                        await self.refresh()
                    except Exception as error:  # any fetch error: keep the cached keys
                        log.warning("keys not fetched", error=repr(error))
        return self._keys.get(kid)

    def kept_fresh(self) -> AbstractAsyncContextManager[None]:
        """Refresh the set in the background until the context exits."""
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
