"""Which level of authentication an authorization request asks for.

`acr_values` (OpenID Connect Core §3.1.2.1) requests any of its values; unknown values are ignored, and if all
are unknown, no level is requested. A known level is then necessary for an answer, as RFC 9470 §5
recommends: a token of a lower one would only be refused again. An essential `acr` claim (§5.5.1.1) asks for
one of its values, known to us or not. `default_acr_values` of the client stand in for `acr_values`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from authkit import acr
from identity.oauth.tokens import claims


@dataclass(frozen=True)
class Level:
    """What is asked for. No `values`: any level will do."""

    values: tuple[str, ...] = ()
    exact: bool = False
    """The answer has to name one of `values` (OpenID Connect Core §5.5.1.1)."""

    @property
    def need(self) -> str | None:
        """The lowest level that is enough; None if any is, or if none is."""
        return min((one for one in self.values if acr.known(one)), key=acr.rank, default=None)

    @property
    def impossible(self) -> bool:
        """Whether no sign-in here can be enough."""
        return bool(self.values) and self.need is None

    def met(self, have: str) -> bool:
        """Whether a session of the level `have` is enough."""
        return not self.values or any(acr.satisfies(have, one) for one in self.values)

    def named(self, have: str) -> str:
        """What tokens say of a session that is enough: its level, or the highest asked for below it."""
        if not self.exact or have in self.values:
            return have
        return max((one for one in self.values if acr.satisfies(have, one)), key=acr.rank, default=have)


def level_of(data: dict[str, Any], claim: dict[str, Any] | None, default: Sequence[str]) -> Level:
    """From the request's parameters, its request object for the `acr` claim, and the client's default."""
    if claim is not None and claim.get("essential") is True:
        return Level(tuple(claims.values_of(claim)), exact=True)
    listed = data["acr_values"].split() if "acr_values" in data else [] if claim is not None else default
    return Level(tuple(one for one in listed if acr.known(one)))
