"""Clients for the token endpoint's tests."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from identity.clients.models import Client, ClientSecret, secret_hash
from identity.clients.rules import DEVICE_CODE
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import Headers, JsonObject
from services.identity.tests.support.token_calls import CALLBACK, PHONE
from testkit.clients import AssertionKeys, ProofKey
from testkit.pages import csrf_of

ISSUER = "http://localhost:8001"
RP_SECRET = "r" * 40
AUDIENCES = ["urn:zhuxue:identity", "urn:zhuxue:office", "urn:zhuxue:cockpit"]
DEVICE_SCOPE = "openid cockpit:read"
SCOPES = ["openid", "profile", "offline_access", "office", "identity"]


@pytest.fixture(scope="session")
def keys() -> AssertionKeys:
    return AssertionKeys(ISSUER)


@pytest.fixture(autouse=True)
def _clients_read_anew(clients_read_anew: None) -> None:
    """Tests here change registrations in the database."""


@pytest.fixture
def dpop() -> ProofKey:
    return ProofKey(ISSUER)


@pytest.fixture
async def clients(app: FastAPI, keys: AssertionKeys) -> None:
    """`rp`: a secret; `jwt`: private_key_jwt; `fapi`: with PAR and DPoP; `spa`: public, third party."""
    shared: JsonObject = {
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "scopes": SCOPES,
        "audiences": AUDIENCES,
        "first_party": True,
        "registered_at": datetime.now(UTC),
    }
    rows = [
        Client(
            client_id="rp",
            client_name="某平台",
            token_endpoint_auth_method="client_secret_basic",
            secrets=[
                ClientSecret(client_id="rp", secret_hash=secret_hash(RP_SECRET), created_at=datetime.now(UTC))
            ],
            **shared,
        ),
        Client(
            client_id="jwt",
            client_name="签名平台",
            token_endpoint_auth_method="private_key_jwt",
            jwks=keys.jwks,
            **shared,
        ),
        Client(
            client_id="fapi",
            client_name="高安全平台",
            token_endpoint_auth_method="private_key_jwt",
            jwks=keys.jwks,
            require_pushed_authorization_requests=True,
            dpop_bound_access_tokens=True,
            **shared,
        ),
        Client(
            client_id="spa",
            client_name="第三方页面",
            token_endpoint_auth_method="none",
            **(shared | {"grant_types": ["authorization_code"], "first_party": False}),
        ),
    ]
    async with app.state.database.transaction() as session:
        session.add_all(rows)


# --- devices (RFC 8628) ---


@pytest.fixture
async def device_clients(app: FastAPI) -> None:
    """`wall`: a public client; `rp`: one with a secret; a client of ours."""
    shared: JsonObject = {
        "redirect_uris": [],
        "grant_types": [DEVICE_CODE, "refresh_token"],
        "scopes": ["openid", "profile", "cockpit:read", "offline_access"],
        "audiences": ["urn:zhuxue:cockpit"],
        "registered_at": datetime.now(UTC),
    }
    secret = ClientSecret(client_id="rp", secret_hash=secret_hash(RP_SECRET), created_at=datetime.now(UTC))
    async with app.state.database.transaction() as session:
        session.add_all(
            [
                Client(
                    client_id="wall",
                    client_name="走廊大屏",
                    token_endpoint_auth_method="none",
                    first_party=False,
                    **shared,
                ),
                Client(
                    client_id="rp",
                    client_name="某平台",
                    token_endpoint_auth_method="client_secret_basic",
                    secrets=[secret],
                    first_party=True,
                    **shared,
                ),
            ]
        )


class Device:
    """A device with its client, and the browser of a person beside it."""

    def __init__(self, browser: Browser, client_id: str = "wall", phone: str = PHONE) -> None:
        self.browser, self.client_id, self.phone = browser, client_id, phone
        self.http = browser.http
        self.codes: JsonObject = {}

    async def post(self, path: str, form: dict[str, str], headers: Headers | None = None) -> httpx.Response:
        if self.client_id == "wall":
            return await self.http.post(path, data=form | {"client_id": "wall"}, headers=headers)
        return await self.http.post(path, data=form, headers=headers, auth=("rp", RP_SECRET))

    async def begin(self, scope: str = DEVICE_SCOPE, **more: str) -> JsonObject:
        answer = await self.post(
            "/device_authorization", {"scope": scope, "resource": "urn:zhuxue:cockpit"} | more
        )
        assert answer.status_code == 200, answer.text
        self.codes = answer.json()
        return self.codes

    async def poll(self, headers: Headers | None = None, **more: str) -> httpx.Response:
        form = {"grant_type": DEVICE_CODE, "device_code": self.codes["device_code"]} | more
        return await self.post("/token", form, headers)

    async def signed_in(self) -> None:
        answer = await self.http.get("/device")
        if answer.status_code == 303:
            return_to = parse_qs(urlsplit(answer.headers["location"]).query)["return_to"][0]
            answer = await self.browser.sign_in(self.phone, return_to)
            assert (answer.status_code, answer.headers["location"]) == (303, return_to)

    async def enter(self, user_code: str | None = None) -> httpx.Response:
        await self.signed_in()
        page = await self.http.get("/device")
        form = {"csrf": csrf_of(page.text), "user_code": user_code or self.codes["user_code"]}
        return await self.http.post("/device", data=form)

    async def decide(self, decision: str = "allow") -> httpx.Response:
        page = await self.enter()
        assert page.status_code == 200, page.text
        form = {"csrf": csrf_of(page.text), "user_code": self.codes["user_code"], "decision": decision}
        return await self.http.post("/device/decision", data=form)

    async def tokens(self, scope: str = DEVICE_SCOPE) -> JsonObject:
        await self.begin(scope)
        assert (await self.decide()).status_code == 200
        answer = await self.poll()
        assert answer.status_code == 200, answer.text
        found: JsonObject = answer.json()
        return found

    async def refresh(self, value: str) -> httpx.Response:
        return await self.post("/token", {"grant_type": "refresh_token", "refresh_token": value})

    async def active(self, token: str) -> bool:
        answer = await self.http.post("/introspect", data={"token": token}, auth=("cockpit", "c" * 40))
        return bool(answer.json()["active"])


def refused(answer: httpx.Response, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)


@pytest.fixture
def device(new_browser: NewBrowser) -> Device:
    return Device(new_browser())
