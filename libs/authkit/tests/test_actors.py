"""Endpoints whose caller is a person acting for a unit."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import Depends, FastAPI

from authkit.actors import Actor, acting_as
from authkit.jwks import KeySet, fetch_over_http
from authkit.tokens import TokenVerifier
from contracts.vocabulary import Permission
from servicekit import problems
from testkit.serving import Served
from testkit.tokens import TokenFactory

PERSON = "0190a1b2-0000-7000-8000-000000000001"
UNIT = "0190a1b2-0000-7000-8000-0000000000aa"


def acting(*permissions: str) -> dict[str, Any]:
    return {"unit": UNIT, "unit_path": "100000.370000", "roles": ["any"], "permissions": permissions}


@pytest_asyncio.fixture
async def client(verifier: TokenVerifier) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.verifier = verifier
    problems.install(app)

    @app.get("/tasks")
    async def tasks(actor: Annotated[Actor, Depends(acting_as(scope="office"))]) -> dict[str, object]:
        return {
            "sub": actor.sub,
            "unit": actor.unit_id,
            "reaches": [path for path in ("100000.370000.370100", "100000") if actor.reaches(path)],
            "issues": actor.may(Permission.NOTICES_ISSUE, Permission.UNITS_MANAGE),
        }

    @app.get("/approvals")
    async def approvals(
        actor: Annotated[Actor, Depends(acting_as(Permission.NOTICES_ISSUE, scope="office"))],
    ) -> UUID:
        return actor.sub

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://office.test") as client:
        yield client


async def test_a_member_acts_for_the_unit_and_reaches_what_is_below(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    token = issuer.access_token(sub=PERSON, scope="office", **acting(Permission.NOTICES_ISSUE))
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/tasks", headers=headers)).json() == {
        "sub": PERSON,
        "unit": UNIT,
        "reaches": ["100000.370000.370100"],
        "issues": True,
    }
    assert (await client.get("/approvals", headers=headers)).json() == PERSON


@pytest.mark.parametrize(
    ("path", "claims", "code"),
    [
        ("/tasks", {"scope": "cockpit:read", **acting(Permission.NOTICES_ISSUE)}, "insufficient_scope"),
        ("/tasks", {"scope": "office"}, "membership_required"),
        ("/approvals", {"scope": "office", **acting(Permission.NOTICES_DRAFT)}, "permission_required"),
        ("/tasks", {"scope": "office", **acting(Permission.NOTICES_ISSUE), "sub": "nobody"}, "invalid_token"),
    ],
)
async def test_everybody_else_is_refused_with_the_reason(
    client: httpx.AsyncClient, issuer: TokenFactory, path: str, claims: dict[str, Any], code: str
) -> None:
    make = issuer.access_token if "roles" in claims else issuer.without_membership
    token = make(**({"sub": PERSON} | claims))
    answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401 if code == "invalid_token" else 403, code)


async def test_keys_are_fetched_from_the_issuer_s_address(issuer: TokenFactory) -> None:
    app = FastAPI()

    @app.get("/jwks")
    async def jwks() -> dict[str, object]:
        return {"keys": [issuer.public_jwk()]}

    served = Served()
    async with served.running(app):
        kid = str(issuer.public_jwk()["kid"])
        keys = KeySet(fetch_over_http(f"{served.url}/jwks"))
        assert (await keys.get(kid) or {})["kid"] == kid
        missing = KeySet(fetch_over_http(f"{served.url}/elsewhere"))
        with pytest.raises(httpx.HTTPStatusError):
            await missing.refresh()
        assert not missing.loaded
    served.close()
