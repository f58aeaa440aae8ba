"""Relying parties as the certification suite drives them: over TCP to an issuer that is being served.

They are `testkit.relying_party`'s: Authlib's client makes and redeems the requests and judges ID tokens,
joserfc checks signatures by the published keys.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from identity.clients.models import Client, ClientSecret, secret_hash
from services.identity.tests.support.registering import Centre, NewParty, Party, Register
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clients import AssertionKeys, ProofKey
from testkit.pages import hidden_fields
from testkit.postgres import Migration
from testkit.relying_party import CALLBACK, SECRET, TLS, Fapi, RelyingParty
from testkit.serving import Served


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
def served() -> Iterator[Served]:
    port = Served()
    yield port
    port.close()


@pytest.fixture
def issuer(served: Served) -> str:
    return served.url


@pytest.fixture
async def app(app: FastAPI, served: Served) -> AsyncIterator[FastAPI]:
    async with served.running(app):
        yield app


@pytest.fixture
def connect(app: FastAPI, issuer: str) -> Callable[[], httpx.AsyncClient]:
    return lambda: httpx.AsyncClient(base_url=issuer, verify=TLS, timeout=60)


@pytest.fixture(scope="session")
def keys() -> AssertionKeys:
    """What clients sign assertions with."""
    return AssertionKeys("http://named.in/each-test")


def client(client_id: str, **changes: Any) -> Client:
    """A confidential client as a certification plan registers it."""
    values: JsonObject = {
        "client_id": client_id,
        "client_name": f"测试系统{client_id}",
        "token_endpoint_auth_method": "client_secret_basic",
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": ["http://localhost:8000/out"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile", "phone", "offline_access"],
        "audiences": ["urn:zhuxue:identity"],
        "first_party": True,
        "registered_at": datetime.now(UTC),
        "secrets": [
            ClientSecret(client_id=client_id, secret_hash=secret_hash(SECRET), created_at=datetime.now(UTC))
        ],
    }
    return Client(**(values | changes))


@pytest.fixture
def new_browser(app: FastAPI, new_browser: NewBrowser) -> NewBrowser:
    """Browsers whose person may ask for SMS codes as often as a test signs in."""

    class Patient(Browser):
        async def sign_in(self, phone: str, return_to: str) -> httpx.Response:
            async with app.state.database.transaction() as session:
                await session.execute(text("DELETE FROM sms_codes"))
            return await super().sign_in(phone, return_to)

    return lambda: Patient(app, new_browser().http)


@pytest.fixture
def form_fields() -> Callable[[str], dict[str, str]]:
    return hidden_fields


@pytest.fixture
async def register(app: FastAPI) -> Register:
    """Puts a client into the registry."""

    async def put(client_id: str, **changes: Any) -> None:
        async with app.state.database.transaction() as session:
            session.add(client(client_id, **changes))

    return put


@pytest.fixture
def pkce() -> bool:
    """False in files whose requests are the suite's, which has no PKCE."""
    return True


@pytest.fixture
async def rp(
    app: FastAPI, new_browser: NewBrowser, register: Register, issuer: str, *, pkce: bool
) -> AsyncIterator[RelyingParty]:
    """A registered client of our own and a browser where nobody has signed in."""
    await register("rp", require_pkce=pkce)
    party, sent = RelyingParty(app.state.clock, new_browser(), "rp", issuer, pkce=pkce), list[str]()

    async def note(request: httpx.Request) -> None:
        if request.url.path in ("/authorize", "/token"):
            sent.append(f"{request.url}\n{(await request.aread()).decode()}")

    party.http.event_hooks["request"].append(note)
    yield party
    # A test that sends what the suite does not must say so: docs/conformance.md tells the two apart.
    assert party.pkce or not [request for request in sent if "code_" in request]


@pytest.fixture
async def third(app: FastAPI, new_browser: NewBrowser, register: Register, issuer: str) -> RelyingParty:
    """A client of somebody else."""
    await register("third", first_party=False)
    return RelyingParty(app.state.clock, new_browser(), "third", issuer)


@pytest.fixture
async def centre(app: FastAPI, new_browser: NewBrowser) -> Centre:
    """A centre's administrator: call the API as them."""
    browser = new_browser()
    async with app.state.database.transaction() as session:
        county = await session.scalar(text("SELECT id FROM units WHERE code = '370102'"))
    return Centre(browser, await browser.bearer("19900000001"), str(county))


@pytest.fixture
def new_party(app: FastAPI, centre: Centre, new_browser: NewBrowser, issuer: str) -> NewParty:
    """Makes parties that may register, as the centre limits them."""

    async def make(**limits: object) -> Party:
        body = {"owner_unit_id": centre.county, "max_uses": 5} | limits
        answer = await centre("POST", "/initial-access-tokens", json=body)
        assert answer.status_code == 201, answer.text
        return Party(app.state.clock, new_browser(), "", issuer, initial=answer.json()["token"])

    return make


@pytest.fixture
async def fapi(
    app: FastAPI, new_browser: NewBrowser, register: Register, issuer: str, keys: AssertionKeys
) -> Fapi:
    """A client of the FAPI 2.0 security profile, with a nonce of the issuer's."""
    await register(
        "fapi",
        token_endpoint_auth_method="private_key_jwt",
        jwks=keys.jwks,
        secrets=[],
        require_pushed_authorization_requests=True,
        dpop_bound_access_tokens=True,
    )
    party = Fapi(app.state.clock, new_browser(), "fapi", issuer, signer=keys, proofs=ProofKey(issuer))
    first = await party.exchange("none", headers=party.proof("/token", nonce=None))
    assert first.json()["error"] == "use_dpop_nonce"
    party.nonce = first.headers["dpop-nonce"]
    return party
