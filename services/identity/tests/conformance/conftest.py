"""A relying party as the certification suite drives it: over HTTP, judging by the published keys."""

import html as entities
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import text

from identity import bootstrap
from identity.directory import worlds
from identity.oauth.models import Client, ClientSecret, secret_hash

PHONE = "19900001323"
CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64
SECRET = "s" * 40
_UNITS = {"100000", "370000", "370100", "370102"}


def one_line() -> bootstrap.World:
    """One line of authority down to 历下区."""
    units = [unit for unit in worlds.world_s() if unit.code in _UNITS]
    everybody = [*worlds.centre_staff(), *worlds.world_s_people()]
    people = [person for person in everybody if person.unit_code in _UNITS]
    return bootstrap.World(units, people, frozenset())


@pytest.fixture
def world() -> bootstrap.World:
    return one_line()


@pytest.fixture
def prepared(fill: Any) -> Any:
    """In place of world S."""

    async def with_one_line(url: str) -> None:
        await fill(url, one_line())

    return with_one_line


def client(client_id: str, **changes: Any) -> Client:
    """A confidential client as a certification plan registers it."""
    values: dict[str, Any] = {
        "client_id": client_id,
        "client_name": f"测试系统{client_id}",
        "token_endpoint_auth_method": "client_secret_basic",
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": ["http://localhost:8000/out"],
        "grant_types": ["authorization_code"],
        "scopes": ["openid", "profile", "phone"],
        "audiences": ["urn:zhuxue:identity"],
        "first_party": True,
        "registered_at": datetime.now(UTC),
        "secrets": [
            ClientSecret(client_id=client_id, secret_hash=secret_hash(SECRET), created_at=datetime.now(UTC))
        ],
    }
    return Client(**(values | changes))


@dataclass
class RelyingParty:
    """One client, used from one browser."""

    app: FastAPI
    browser: Any
    client_id: str
    phone: str = PHONE
    sign_ins: int = 0
    asked: list[str] = field(default_factory=list)
    """Pages of consent that were shown."""
    secret: str = SECRET

    @property
    def http(self) -> httpx.AsyncClient:
        return self.browser.http  # type: ignore[no-any-return]

    def url(self, **params: str) -> str:
        base = {"client_id": self.client_id, "scope": "openid"}
        return self.browser.authorize_url(verifier=VERIFIER, **(base | params))  # type: ignore[no-any-return]

    async def follow(self, answer: httpx.Response, decision: str = "allow") -> httpx.Response:
        """What a person does until the browser leaves the issuer."""
        for _ in range(10):
            location = answer.headers.get("location", "")
            if location.startswith("/login"):
                self.sign_ins += 1
                return_to = parse_qs(urlsplit(location).query)["return_to"][0]
                answer = await self.browser.sign_in(self.phone, return_to)
                assert answer.status_code == 303, answer.text
            elif location.startswith("/"):
                answer = await self.http.get(location)
            elif answer.status_code == 200 and "/authorize/decision" in answer.text:
                self.asked.append(answer.text)
                answer = await self.decide(answer, decision)
            else:
                return answer
        raise AssertionError("the issuer asks for ever")

    async def decide(self, page: httpx.Response, decision: str) -> httpx.Response:
        return await self.http.post("/authorize/decision", data={**fields(page.text), "decision": decision})

    async def authorize(self, decision: str = "allow", **params: str) -> dict[str, str]:
        """The parameters of the authorization response."""
        answer = await self.follow(await self.http.get(self.url(**params)), decision)
        assert answer.headers["location"].startswith(CALLBACK), answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def redeem(self, code: str, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return await self.http.post("/token", data=form | changes, auth=(self.client_id, self.secret))

    async def tokens(self, **params: str) -> dict[str, Any]:
        """A whole flow; the token response with the ID token's verified `claims`."""
        response = await self.authorize(**params)
        assert "code" in response, response
        answer = await self.redeem(response["code"])
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return {**body, "claims": await self.verified(body["id_token"])}

    async def verified(self, token: str, typ: str = "JWT") -> dict[str, Any]:
        keys = KeySet.import_key_set((await self.http.get("/jwks")).json())
        decoded = jwt.decode(token, keys, ["ES256"])
        assert decoded.header.get("typ") == typ
        assert (decoded.claims["iss"], decoded.claims["aud"]) == ("http://localhost:8001", self.client_id)
        return dict(decoded.claims)

    async def userinfo(self, tokens: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = await self.http.get("/userinfo", headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def fields(page: str) -> dict[str, str]:
    """Hidden fields of the first form."""
    form = page.split("<form", 1)[1].split("</form>", 1)[0]
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: entities.unescape(value) for name, value in found}


@pytest.fixture
def new_browser(app: FastAPI, new_browser: Any) -> Any:
    """Browsers whose person may ask for SMS codes as often as a test signs in."""

    def make() -> Any:
        browser = new_browser()
        sign_in = browser.sign_in

        async def at_once(phone: str, return_to: str) -> httpx.Response:
            async with app.state.database.transaction() as session:
                await session.execute(text("DELETE FROM sms_codes"))
            return await sign_in(phone, return_to)  # type: ignore[no-any-return]

        browser.sign_in = at_once
        return browser

    return make


@pytest.fixture
def form_fields() -> Any:
    return fields


@pytest.fixture
async def register(app: FastAPI) -> Any:
    """Puts a client into the registry."""

    async def put(client_id: str, **changes: Any) -> None:
        async with app.state.database.transaction() as session:
            session.add(client(client_id, **changes))

    return put


@pytest.fixture
async def rp(app: FastAPI, new_browser: Any, register: Any) -> RelyingParty:
    """A registered client of our own and a browser where nobody has signed in."""
    await register("rp")
    return RelyingParty(app, new_browser(), "rp")


@pytest.fixture
async def third(app: FastAPI, new_browser: Any, register: Any) -> RelyingParty:
    """A client of somebody else."""
    await register("third", first_party=False)
    return RelyingParty(app, new_browser(), "third")
