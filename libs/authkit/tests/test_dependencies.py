"""Over HTTP: where a token may stand, what each refusal looks like, and who is let in."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
from fastapi import Depends, FastAPI

from authkit.dependencies import Authenticated, requires
from authkit.principal import Principal
from authkit.tokens import TokenVerifier
from servicekit import problems
from testkit.tokens import TokenFactory

URL = "http://office.test"


@pytest.fixture
def app(verifier: TokenVerifier) -> FastAPI:
    app = FastAPI()
    app.state.verifier = verifier
    problems.install(app)

    @app.get("/me")
    async def me(caller: Authenticated) -> dict[str, str]:
        return {"sub": caller.sub}

    def guarded(path: str, **words: Any) -> None:
        @app.get(path)
        async def endpoint(caller: Annotated[Principal, Depends(requires(**words))]) -> None:
            return None

    guarded("/members")
    guarded("/anyone", membership=False)
    guarded("/approvers", permission=("notices.issue", "units.manage"))
    guarded("/units", permission="units.manage")
    guarded("/platform", permission="audit.read", membership=False)
    guarded("/cockpit", entitlement="cockpit")
    guarded("/directory", scope="directory:read", membership=False, clients=True)
    return app


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code


async def test_the_bearer_of_a_good_token_is_let_in(client: httpx.AsyncClient, issuer: TokenFactory) -> None:
    response = await client.get("/me", headers=bearer(issuer.access_token(sub="abc")))
    assert response.json() == {"sub": "abc"}
    lower = {"Authorization": f"bearer {issuer.access_token()}"}
    assert (await client.get("/me", headers=lower)).status_code == 200


async def test_without_a_token_the_challenge_names_no_error(client: httpx.AsyncClient) -> None:
    response = await client.get("/me")
    refused(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="zhuxue"'


async def test_a_token_in_the_query_a_form_or_a_cookie_is_no_token(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    token = issuer.access_token()
    refused(await client.get("/me", params={"access_token": token}), 401, "unauthenticated")
    refused(await client.get("/me", headers={"Cookie": f"access_token={token}"}), 401, "unauthenticated")
    refused(
        await client.request("GET", "/me", data={"access_token": token}),
        401,
        "unauthenticated",
    )


async def test_two_authorization_headers_are_refused_even_when_one_is_good(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    good = ("Authorization", f"Bearer {issuer.access_token()}")
    for other in (good, ("Authorization", "Bearer x"), ("Authorization", "Basic YTpi")):
        refused(await client.get("/me", headers=[good, other]), 400, "invalid_request")
        refused(await client.get("/me", headers=[other, good]), 400, "invalid_request")


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "token", "Bearer \xe9.\xe9.\xe9"]
)
async def test_a_header_that_carries_no_token_is_refused(client: httpx.AsyncClient, value: str) -> None:
    response = await client.get("/me", headers=[(b"Authorization", value.encode("latin-1"))])
    refused(response, 401, "invalid_token")
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_each_bad_token_has_its_status_and_code(
    client: httpx.AsyncClient, issuer: TokenFactory, jwks: Any
) -> None:
    async def get(token: str) -> httpx.Response:
        return await client.get("/me", headers=bearer(token))

    jwks.error = httpx.ConnectError("refused")
    refused(await get(issuer.access_token()), 503, "issuer_unavailable")
    refused(await get(issuer.unsigned()), 401, "invalid_token")
    jwks.error = None
    refused(await get(issuer.wrong_issuer()), 503, "issuer_unavailable")
    client._transport.app.state.verifier.keys._fetched = -10.0  # type: ignore[attr-defined]
    refused(await get(issuer.wrong_issuer()), 401, "invalid_token")
    refused(await get(issuer.wrong_audience()), 401, "invalid_token")
    refused(await get(issuer.hs256_with_public_key()), 401, "invalid_token")
    refused(await get(issuer.expired()), 401, "token_expired")


async def test_membership_permissions_entitlements_and_scopes_are_refused_with_their_own_codes(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    async def get(path: str, token: str) -> httpx.Response:
        return await client.get(path, headers=bearer(token))

    stranger, handler = issuer.without_membership(), issuer.access_token()
    refused(await get("/members", stranger), 403, "membership_required")
    assert (await get("/members", handler)).status_code == 200
    assert (await get("/anyone", stranger)).status_code == 200
    refused(await get("/approvers", handler), 403, "permission_required")
    refused(await get("/approvers", stranger), 403, "membership_required")
    assert (await get("/approvers", issuer.access_token(roles=["unit_admin"]))).status_code == 200
    refused(await get("/cockpit", handler), 403, "entitlement_required")
    assert (await get("/cockpit", issuer.access_token(entitlements=["cockpit"]))).status_code == 200
    refused(await get("/directory", handler), 403, "insufficient_scope")
    client_token = issuer.without_membership(sub="office", client_id="office", scope="directory:read")
    assert (await get("/directory", client_token)).status_code == 200


async def test_a_permission_is_required_by_its_word(client: httpx.AsyncClient, issuer: TokenFactory) -> None:
    async def get(path: str, token: str) -> httpx.Response:
        return await client.get(path, headers=bearer(token))

    # A role without the permission's word in the token is not enough: roles are data.
    refused(
        await get("/units", issuer.access_token(roles=["unit_admin"], permissions=[])),
        403,
        "permission_required",
    )
    assert (await get("/units", issuer.access_token(permissions=["units.manage"]))).status_code == 200
    stranger = issuer.without_membership(permissions=["units.manage", "audit.read"])
    refused(await get("/units", stranger), 403, "membership_required")
    assert (await get("/platform", stranger)).status_code == 200
    refused(await get("/platform", issuer.access_token()), 403, "permission_required")
