"""RFC 9470 §3: a token whose person signed in too weakly or too long ago is answered with what would do."""

import base64
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
from fastapi import Depends, FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey

from authkit import acr
from authkit.dependencies import requires
from authkit.principal import Principal
from authkit.tokens import TokenVerifier
from servicekit import problems
from testkit.tokens import OMIT, TokenFactory

URL = "http://office.test"


@pytest_asyncio.fixture
async def client(verifier: TokenVerifier) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.verifier = verifier
    problems.install(app)

    def guarded(path: str, **words: Any) -> None:
        @app.get(path)
        async def endpoint(caller: Annotated[Principal, Depends(requires(**words))]) -> None:
            return None

    guarded("/strong", acr=acr.MFA)
    guarded("/middle", acr=acr.PASSWORD_SMS)
    guarded("/recent", max_age=300)
    guarded("/both", acr=acr.MFA, max_age=300)
    guarded("/admins", acr=acr.MFA, permission="units.manage")
    guarded("/clients", acr=acr.MFA, max_age=1, membership=False, clients=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:
        yield client


async def get(client: httpx.AsyncClient, path: str, token: str) -> httpx.Response:
    return await client.get(path, headers={"Authorization": f"Bearer {token}"})


def challenged(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    return answer.headers["www-authenticate"]


async def test_a_weaker_level_is_challenged_and_a_stronger_one_satisfies(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    assert challenged(await get(client, "/strong", issuer.access_token())) == (
        'Bearer realm="zhuxue", error="insufficient_user_authentication", '
        'error_description="A different authentication level is required", acr_values="urn:zhuxue:acr:mfa"'
    )
    for level, expected in ((acr.SMS, 401), (acr.PASSWORD_SMS, 200), (acr.MFA, 200)):
        assert (await get(client, "/middle", issuer.access_token(acr=level))).status_code == expected


@pytest.mark.parametrize("level", [OMIT, "urn:elsewhere", "", 3, ["urn:zhuxue:acr:mfa"]])
async def test_an_unknown_level_satisfies_none(
    client: httpx.AsyncClient, issuer: TokenFactory, level: Any
) -> None:
    challenged(await get(client, "/middle", issuer.access_token(acr=level)))


async def test_a_sign_in_too_long_ago_is_challenged(client: httpx.AsyncClient, issuer: TokenFactory) -> None:
    old = int(time.time()) - 400
    assert challenged(await get(client, "/recent", issuer.access_token(auth_time=old))).endswith(
        'required", max_age="300"'
    )
    challenged(await get(client, "/recent", issuer.access_token(auth_time=OMIT)))
    assert (await get(client, "/recent", issuer.access_token())).status_code == 200
    both = challenged(await get(client, "/both", issuer.access_token(acr=acr.MFA, auth_time=old)))
    assert both.endswith('acr_values="urn:zhuxue:acr:mfa", max_age="300"')


async def test_who_may_not_anyway_is_not_asked_to_sign_in_again(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    answer = await get(client, "/admins", issuer.access_token())
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_required")
    challenged(await get(client, "/admins", issuer.access_token(roles=["unit_admin"])))


async def test_a_client_acting_for_itself_has_no_level(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    token = issuer.without_membership(sub="office", client_id="office", acr=OMIT, auth_time=OMIT)
    assert (await get(client, "/clients", token)).status_code == 200
    challenged(await get(client, "/clients", issuer.without_membership()))


async def test_a_bound_token_is_challenged_in_its_own_scheme(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    """RFC 9449 §7.1."""
    key = ECKey.generate_key("P-256")
    token = issuer.access_token(cnf={"jkt": key.thumbprint()})
    ath = base64.urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
    claims = {"htm": "GET", "htu": f"{URL}/strong", "iat": int(time.time()), "jti": "j", "ath": ath}
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    proof = jwt.encode(head, claims, key, ["ES256"])
    answer = await client.get("/strong", headers={"Authorization": f"DPoP {token}", "DPoP": proof})
    assert challenged(answer).startswith('DPoP realm="zhuxue", error="insufficient_user_authentication"')


def test_a_level_nobody_knows_cannot_be_required() -> None:
    with pytest.raises(ValueError):
        requires(acr="urn:zhuxue:acr:retina")


def test_the_order_of_levels() -> None:
    for low, wanted in enumerate(acr.ORDER):
        for high, have in enumerate(acr.ORDER):
            assert acr.satisfies(have, wanted) == (high >= low)
    assert not acr.satisfies(acr.MFA, "urn:elsewhere")
    assert not acr.satisfies(None, acr.SMS)
