"""Access tokens of this issuer that this process has verified lately."""

from typing import Any, Final, NamedTuple

_MOST: Final = 10_000


class Verified(NamedTuple):
    """An access token of this issuer whose signature is valid. It stays so while its key is published."""

    kid: str
    claims: dict[str, Any]


class VerifiedTokens:
    """The access tokens that this process has verified lately, by their hashes: resource servers ask about
    the same token with each request that it comes with.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Verified] = {}

    def get(self, digest: bytes) -> Verified | None:
        """Return a token that was verified."""
        return self._known.get(digest)

    def keep(self, digest: bytes, verified: Verified) -> None:
        """Remember a token instead of the one that was verified first."""
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[digest] = verified
