"""Requested level of authentication of an authorization request.

`acr_values` (OpenID Connect Core §3.1.2.1) requests any of its values; unknown values are ignored, and if all
are unknown, no level is requested. A known level is required, as RFC 9470 §5 recommends, because the resource
server would reject a token of a lower level again. An essential `acr` claim (§5.5.1.1) requests one of its
values, known or unknown. The client's `default_acr_values` replace missing `acr_values`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from authkit import acr
from identity.oauth.tokens import claims


@dataclass(frozen=True)
class Level:
    """Requested levels. Without `values`, any level is sufficient."""

    values: tuple[str, ...] = ()
    exact: bool = False
    """The response must contain one of `values` (OpenID Connect Core §5.5.1.1)."""

    @property
    def need(self) -> str | None:
        """The lowest sufficient level; None if any level is sufficient, or none."""
        return min((one for one in self.values if acr.known(one)), key=acr.rank, default=None)

    @property
    def impossible(self) -> bool:
        """Whether no level of this issuer is sufficient."""
        return bool(self.values) and self.need is None

    def met(self, have: str) -> bool:
        """Return whether a session of the level `have` is sufficient."""
        return not self.values or any(acr.satisfies(have, one) for one in self.values)

    def named(self, have: str) -> str:
        """Return the `acr` of tokens for a sufficient session: its level, or the highest requested level
        below.
        """
        if not self.exact or have in self.values:
            return have
        return max((one for one in self.values if acr.satisfies(have, one)), key=acr.rank, default=have)


def level_of(data: dict[str, Any], claim: dict[str, Any] | None, default: Sequence[str]) -> Level:
    """Return the level from the request parameters, the request object of the `acr` claim, and the client's
    default.
    """
    if claim is not None and claim.get("essential") is True:
        return Level(tuple(claims.values_of(claim)), exact=True)
    listed = data["acr_values"].split() if "acr_values" in data else [] if claim is not None else default
    return Level(tuple(one for one in listed if acr.known(one)))
