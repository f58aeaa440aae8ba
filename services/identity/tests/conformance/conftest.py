"""Relying parties as the certification suite drives them: over TCP to an issuer that is being served.

Authlib's client makes and redeems the requests and judges ID tokens, joserfc checks signatures by the
published keys.
"""

import html as entities
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from authlib.oidc.core import CodeIDToken
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import text

from identity import bootstrap
from identity.directory import worlds
from identity.oauth.models import Client, ClientSecret, secret_hash
from testkit.clients import AssertionKeys, ProofKey
from testkit.serving import Served

PHONE = "19900001323"
CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64
SECRET = "s" * 40
_UNITS = {"100000", "370000", "370100", "370102"}
# Made once: reading the machine's certificates takes longer than most tests.
_TLS = ssl.create_default_context()


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
    return lambda: httpx.AsyncClient(base_url=issuer, verify=_TLS)


@pytest.fixture(scope="session")
def keys() -> AssertionKeys:
    """What clients sign assertions with."""
    return AssertionKeys("http://named.in/each-test")


def client(client_id: str, **changes: Any) -> Client:
    """A confidential client as a certification plan registers it."""
    values: dict[str, Any] = {
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


@dataclass
class RelyingParty:
    """One client, used from one browser."""

    app: FastAPI
    browser: Any
    client_id: str
    issuer: str
    phone: str = PHONE
    sign_ins: int = 0
    asked: list[str] = field(default_factory=list)
    """Pages of consent that were shown."""
    secret: str = SECRET
    callback: str = CALLBACK
    auth_method: str = "client_secret_basic"
    response_mode: str = "query"
    alg: str = "ES256"
    """What its ID tokens are signed with."""

    @property
    def http(self) -> httpx.AsyncClient:
        return self.browser.http  # type: ignore[no-any-return]

    def library(self) -> Any:
        """Authlib's client, as this relying party is registered."""
        # Here, because importing it warns that Authlib moves to httpx2.
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        return AsyncOAuth2Client(
            self.client_id,
            self.secret,
            redirect_uri=self.callback,
            token_endpoint_auth_method=self.auth_method,
            code_challenge_method="S256",
            verify=_TLS,
        )

    def url(self, **params: str) -> str:
        mode = {} if self.response_mode == "query" else {"response_mode": self.response_mode}
        base = {"client_id": self.client_id, "scope": "openid", "redirect_uri": self.callback} | mode
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

    def response_of(self, answer: httpx.Response) -> dict[str, str]:
        """The parameters of an authorization response, which comes in the mode that was asked for."""
        if self.response_mode == "form_post":
            assert answer.status_code == 200, answer.text
            assert f'action="{entities.escape(self.callback)}"' in answer.text
            return fields(answer.text)
        assert answer.headers["location"].startswith(self.callback), answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def authorize(self, decision: str = "allow", **params: str) -> dict[str, str]:
        """The parameters of the authorization response."""
        return self.response_of(await self.follow(await self.http.get(self.url(**params)), decision))

    async def redeem(self, code: str, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": VERIFIER,
        }
        return await self.http.post("/token", data=form | changes, auth=(self.client_id, self.secret))

    async def tokens(self, decision: str = "allow", **params: str) -> dict[str, Any]:
        """A whole flow with Authlib's client; the token response with the ID token's verified `claims`."""
        asked = {"scope": "openid", "nonce": "n", "state": "st"} | params
        if self.response_mode != "query":
            asked["response_mode"] = self.response_mode
        async with self.library() as library:
            url, state = library.create_authorization_url(
                f"{self.issuer}/authorize", code_verifier=VERIFIER, **asked
            )
            answer = await self.follow(await self.http.get(url), decision)
            response = self.response_of(answer)
            assert "code" in response, response
            assert response["iss"] == self.issuer  # RFC 9207 §2.4
            body = await library.fetch_token(
                f"{self.issuer}/token",
                authorization_response=f"{self.callback}?{urlencode(response)}",
                state=state,
                code_verifier=VERIFIER,
            )
        assert body["token_type"] == "Bearer"
        claims = await self.verified(
            body["id_token"], nonce=asked["nonce"], access_token=body["access_token"]
        )
        return {**body, "claims": claims}

    async def keys(self) -> KeySet:
        return KeySet.import_key_set((await self.http.get("/jwks")).json())

    async def verified(self, token: str, typ: str = "JWT", **known: str) -> dict[str, Any]:
        """The claims of a token that Authlib takes; `known` is the `nonce` and `access_token` it is for."""
        decoded = jwt.decode(token, await self.keys(), [self.alg])
        assert decoded.header.get("typ") == typ
        wanted = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
        }
        judged = CodeIDToken(decoded.claims, decoded.header, wanted, {"client_id": self.client_id, **known})
        judged.validate(now=int(self.app.state.clock.now().timestamp()), leeway=1)
        return dict(decoded.claims)

    async def userinfo(self, tokens: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = await self.http.get("/userinfo", headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def signed_in(self) -> bool:
        """Whether the issuer answers without asking the person anything."""
        return "code" in await self.authorize(prompt="none")

    async def logout(self, **params: str) -> httpx.Response:
        """RP-initiated logout (RP-Initiated Logout 1.0 §2)."""
        return await self.http.get("/end_session", params=params)

    async def confirm(self, page: httpx.Response) -> httpx.Response:
        """The person says yes to signing out."""
        assert (page.status_code, "/end_session/confirm" in page.text) == (200, True), page.text
        return await self.http.post("/end_session/confirm", data=fields(page.text))

    async def discovery(self) -> dict[str, Any]:
        document: dict[str, Any] = (await self.http.get("/.well-known/openid-configuration")).json()
        return document


@dataclass
class Party(RelyingParty):
    """A relying party that registers itself (RFC 7591)."""

    phone: str = "19900001324"
    callback: str = "https://rp.example.cn/cb"
    initial: str = ""
    client: dict[str, Any] = field(default_factory=dict)

    async def register(self, **metadata: Any) -> httpx.Response:
        answer = await self.http.post(
            "/register",
            json={"redirect_uris": [self.callback], "client_name": "试点系统"} | metadata,
            headers={"Authorization": f"Bearer {self.initial}"},
        )
        if answer.status_code == 201:
            self.client = answer.json()
            self.client_id, self.secret = self.client["client_id"], self.client.get("client_secret", "")
            self.alg = self.client["id_token_signed_response_alg"]
        return answer

    async def manage(self, method: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.client['registration_access_token']}"}
        uri = self.client["registration_client_uri"]
        return await self.http.request(method, uri, headers=headers, **more)


@dataclass
class Fapi(RelyingParty):
    """A client of the FAPI 2.0 security profile: pushed requests, private_key_jwt, DPoP."""

    signer: AssertionKeys | None = None
    proofs: ProofKey | None = None
    nonce: str = ""

    def auth(self, **changes: Any) -> dict[str, str]:
        assert self.signer is not None
        return self.signer.auth(self.client_id, **({"aud": self.issuer} | changes))

    def proof(self, path: str, *, key: ProofKey | None = None, **changes: Any) -> dict[str, str]:
        chosen = key or self.proofs
        assert chosen is not None
        return {"DPoP": chosen.proof(path, **({"nonce": self.nonce} | changes))}

    async def push(
        self, *, proof: bool = False, assertion: dict[str, Any] | None = None, **params: str
    ) -> httpx.Response:
        form = dict(parse_qsl(urlsplit(self.url(**params)).query)) | self.auth(**(assertion or {}))
        headers = self.proof("/par") if proof else {}
        return await self.http.post("/par", data=form, headers=headers)

    def pushed(self, answer: httpx.Response, **more: str) -> str:
        """The authorization request that names what was pushed."""
        assert answer.status_code == 201, answer.text
        return "/authorize?" + urlencode(
            {"client_id": self.client_id, "request_uri": answer.json()["request_uri"]} | more
        )

    async def answer(self, *, outside: dict[str, str] | None = None, **params: Any) -> dict[str, str]:
        """The authorization response to a pushed request."""
        url = self.pushed(await self.push(**params), **(outside or {}))
        return self.response_of(await self.follow(await self.http.get(url)))

    async def code(self, **params: Any) -> str:
        return (await self.answer(**params))["code"]

    async def exchange(
        self, code: str, *, headers: Any = None, auth: Any = None, **form: str
    ) -> httpx.Response:
        """The token request; `headers` in place of a proof, `auth` in place of an assertion."""
        fixed = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        return await self.http.post(
            "/token",
            data=fixed | {"code_verifier": VERIFIER} | (self.auth() if auth is None else auth) | form,
            headers=self.proof("/token") if headers is None else headers,
        )

    async def bound(self, **params: Any) -> dict[str, Any]:
        """A whole flow; the token response with the ID token's verified `claims`."""
        answer = await self.exchange(await self.code(**params))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        assert body["token_type"] == "DPoP"
        claims = await self.verified(body["id_token"], access_token=body["access_token"])
        return {**body, "claims": claims}

    async def call(self, token: str, *, scheme: str = "DPoP", **changes: Any) -> httpx.Response:
        """Ask the resource, here userinfo, with a proof."""
        headers = self.proof("/userinfo", method="GET", token=token, **changes)
        return await self.http.get("/userinfo", headers={"Authorization": f"{scheme} {token}", **headers})


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
async def rp(app: FastAPI, new_browser: Any, register: Any, issuer: str) -> RelyingParty:
    """A registered client of our own and a browser where nobody has signed in."""
    await register("rp")
    return RelyingParty(app, new_browser(), "rp", issuer)


@pytest.fixture
async def third(app: FastAPI, new_browser: Any, register: Any, issuer: str) -> RelyingParty:
    """A client of somebody else."""
    await register("third", first_party=False)
    return RelyingParty(app, new_browser(), "third", issuer)


@pytest.fixture
async def centre(app: FastAPI, new_browser: Any) -> Any:
    """A centre's administrator: call the API as them."""
    browser = new_browser()
    async with app.state.database.transaction() as session:
        county = await session.scalar(text("SELECT id FROM units WHERE code = '370102'"))
    bearer = await browser.bearer("19900000001")

    async def call(method: str, path: str, **more: Any) -> httpx.Response:
        answer: httpx.Response = await browser.http.request(method, f"/api/v1{path}", headers=bearer, **more)
        return answer

    call.county = str(county)  # type: ignore[attr-defined]
    return call


@pytest.fixture
def new_party(app: FastAPI, centre: Any, new_browser: Any, issuer: str) -> Any:
    """Makes parties that may register, as the centre limits them."""

    async def make(**limits: Any) -> Party:
        body = {"owner_unit_id": centre.county, "max_uses": 5} | limits
        answer = await centre("POST", "/initial-access-tokens", json=body)
        assert answer.status_code == 201, answer.text
        return Party(app, new_browser(), "", issuer, initial=answer.json()["token"])

    return make


@pytest.fixture
async def fapi(app: FastAPI, new_browser: Any, register: Any, issuer: str, keys: AssertionKeys) -> Fapi:
    """A client of the FAPI 2.0 security profile, with a nonce of the issuer's."""
    await register(
        "fapi",
        token_endpoint_auth_method="private_key_jwt",
        jwks=keys.jwks,
        secrets=[],
        require_pushed_authorization_requests=True,
        dpop_bound_access_tokens=True,
    )
    party = Fapi(app, new_browser(), "fapi", issuer, signer=keys, proofs=ProofKey(issuer))
    first = await party.exchange("none", headers=party.proof("/token", nonce=None))
    assert first.json()["error"] == "use_dpop_nonce"
    party.nonce = first.headers["dpop-nonce"]
    return party
