"""Logout tokens that cannot be verified."""

from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from authkit.jwks import KeySet
from portal.errors import IssuerUnavailable
from portal.issuer.tokens import InvalidToken, IssuedTokens

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
KEY = ECKey.generate_key("P-256")


def logout_token() -> str:
    head = {"alg": "ES256", "typ": "logout+jwt", "kid": "one"}
    return jwt.encode(head, {"jti": "j"}, KEY, ["ES256"])


async def test_a_notice_before_the_keys_are_known_is_not_refused_for_good() -> None:
    fails = True

    async def fetch() -> dict[str, Any]:
        if fails:
            raise OSError("Identity is starting")
        return {"keys": [{**KEY.as_dict(private=False), "kid": "two"}]}

    keys = KeySet(fetch)
    issued = IssuedTokens(keys, issuer="https://id.test", client_id="workbench")
    with pytest.raises(IssuerUnavailable):
        await issued.logged_out(logout_token(), now=NOW)
    fails = False
    await keys.refresh()
    with pytest.raises(InvalidToken):
        await issued.logged_out(logout_token(), now=NOW)
