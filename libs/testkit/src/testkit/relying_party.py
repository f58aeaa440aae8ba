"""A relying party and its browser, as in the OpenID certification suite.

Authlib's client sends the requests and validates ID tokens; joserfc verifies signatures with the published
keys. The issuer's own code is not used.
"""

import html as entities
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import httpx
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from testkit.clients import AssertionKeys, ProofKey
from testkit.pages import hidden_fields

CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64
SECRET = "s" * 40
TLS = ssl.create_default_context()
"""Created once, because reading the certificates of the machine takes longer than most tests."""


class Clock(Protocol):
    """The issuer's clock."""

    def now(self) -> datetime:
        """Return the current time."""


@dataclass
class RelyingParty:
    """One client, used from one browser."""

    clock: Clock
    browser: Any
    """Provides `http`, `authorize_url`, and `sign_in(phone, return_to)` for the issuer's forms."""
    client_id: str
    issuer: str
    phone: str = "19900001323"
    sign_ins: int = 0
    asked: list[str] = field(default_factory=list)
    """The displayed consent pages."""
    secret: str = SECRET
    callback: str = CALLBACK
    auth_method: str = "client_secret_basic"
    response_mode: str = "query"
    alg: str = "ES256"
    """The signature algorithm of its ID tokens."""
    pkce: bool = True
    """False: requests are those of the certification suite, which has no PKCE, to the byte."""

    @property
    def http(self) -> httpx.AsyncClient:
        """The browser's HTTP client."""
        return self.browser.http  # type: ignore[no-any-return]

    def library(self) -> Any:
        """Return Authlib's client for the registration of this relying party."""
        # Imported here, because the import warns that Authlib will move to httpx2.
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        return AsyncOAuth2Client(
            self.client_id,
            self.secret,
            redirect_uri=self.callback,
            token_endpoint_auth_method=self.auth_method,
            code_challenge_method="S256" if self.pkce else None,
            verify=TLS,
            timeout=60,
        )

    def url(self, **params: str) -> str:
        """Return an authorization request, valid unless `params` change it."""
        mode = {} if self.response_mode == "query" else {"response_mode": self.response_mode}
        base = {"client_id": self.client_id, "scope": "openid", "redirect_uri": self.callback} | mode
        if not self.pkce:
            return self._url_of_the_suite(base, params)
        return self.browser.authorize_url(verifier=VERIFIER, **(base | params))  # type: ignore[no-any-return]

    def _url_of_the_suite(self, base: dict[str, str], params: dict[str, str]) -> str:
        """Order and encoding are the suite's, which leaves out what is empty."""
        asked = {name: base[name] for name in ("client_id", "redirect_uri", "scope")}
        asked |= {"state": "st", "nonce": "n", "response_type": "code"} | base | params
        given = {name: value for name, value in asked.items() if value}
        return "/authorize?" + urlencode(given, quote_via=quote, safe=":/?@!$'()*,;")

    async def follow(self, answer: httpx.Response, decision: str = "allow") -> httpx.Response:
        """Act as the person until the browser leaves the issuer."""
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
        raise AssertionError("the issuer never redirects to the client")

    async def decide(self, page: httpx.Response, decision: str) -> httpx.Response:
        """Post the decision on a consent page."""
        form = {**hidden_fields(page.text), "decision": decision}
        return await self.http.post("/authorize/decision", data=form)

    def response_of(self, answer: httpx.Response) -> dict[str, str]:
        """Return the parameters of an authorization response in the requested response mode."""
        if self.response_mode == "form_post":
            assert answer.status_code == 200, answer.text
            assert f'action="{entities.escape(self.callback)}"' in answer.text
            return hidden_fields(answer.text)
        assert answer.headers["location"].startswith(self.callback), answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def authorize(self, decision: str = "allow", **params: str) -> dict[str, str]:
        """Run the authorization request; return the parameters of the response."""
        return self.response_of(await self.follow(await self.http.get(self.url(**params)), decision))

    async def redeem(self, code: str, **changes: str) -> httpx.Response:
        """Redeem a code without Authlib's client, to send parameters that it would not send."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
        } | ({"code_verifier": VERIFIER} if self.pkce else {})
        if self.auth_method == "client_secret_post":
            form |= {"client_id": self.client_id, "client_secret": self.secret}
            return await self.http.post("/token", data=form | changes)
        return await self.http.post("/token", data=form | changes, auth=(self.client_id, self.secret))

    async def tokens(self, decision: str = "allow", **params: str) -> dict[str, Any]:
        """Run the code flow with Authlib's client; return the token response and the verified `claims`.

        Without PKCE the requests are the certification suite's own.
        """
        asked = {"scope": "openid", "nonce": "n", "state": "st"} | params
        if self.response_mode != "query":
            asked["response_mode"] = self.response_mode
        body = await self._tokens_of_the_library(asked, decision) if self.pkce else None
        if body is None:
            response = await self.authorize(decision, **asked)
            assert "code" in response, response
            assert response["iss"] == self.issuer  # RFC 9207 §2.4
            answer = await self.redeem(response["code"])
            assert answer.status_code == 200, answer.text
            body = answer.json()
        assert body["token_type"] == "Bearer"
        claims = await self.verified(
            body["id_token"], nonce=asked["nonce"], access_token=body["access_token"]
        )
        return {**body, "claims": claims}

    async def _tokens_of_the_library(self, asked: dict[str, str], decision: str) -> dict[str, Any]:
        async with self.library() as library:
            url, state = library.create_authorization_url(
                f"{self.issuer}/authorize", code_verifier=VERIFIER, **asked
            )
            answer = await self.follow(await self.http.get(url), decision)
            response = self.response_of(answer)
            assert "code" in response, response
            assert response["iss"] == self.issuer  # RFC 9207 §2.4
            return dict(
                await library.fetch_token(
                    f"{self.issuer}/token",
                    authorization_response=f"{self.callback}?{urlencode(response)}",
                    state=state,
                    code_verifier=VERIFIER,
                )
            )

    async def keys(self) -> KeySet:
        """Return the currently published keys."""
        return KeySet.import_key_set((await self.http.get("/jwks")).json())

    async def verified(self, token: str, typ: str = "JWT", **known: str) -> dict[str, Any]:
        """Return the claims of a token that Authlib accepts; `known` has its `nonce` and `access_token`."""
        decoded = jwt.decode(token, await self.keys(), [self.alg])
        assert decoded.header.get("typ") == typ
        wanted = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
        }
        judged = CodeIDToken(decoded.claims, decoded.header, wanted, {"client_id": self.client_id, **known})
        judged.validate(now=int(self.clock.now().timestamp()), leeway=1)
        return dict(decoded.claims)

    async def userinfo(self, tokens: dict[str, Any]) -> dict[str, Any]:
        """Return the userinfo response."""
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = await self.http.get("/userinfo", headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def signed_in(self) -> bool:
        """Return whether the issuer responds without interaction."""
        return "code" in await self.authorize(prompt="none")

    async def logout(self, **params: str) -> httpx.Response:
        """Request a logout (RP-Initiated Logout 1.0 §2)."""
        return await self.http.get("/end_session", params=params)

    async def confirm(self, page: httpx.Response) -> httpx.Response:
        """Confirm the sign-out."""
        assert (page.status_code, "/end_session/confirm" in page.text) == (200, True), page.text
        return await self.http.post("/end_session/confirm", data=hidden_fields(page.text))

    async def discovery(self) -> dict[str, Any]:
        """Return the provider's metadata."""
        document: dict[str, Any] = (await self.http.get("/.well-known/openid-configuration")).json()
        return document


@dataclass
class Fapi(RelyingParty):
    """A client of the FAPI 2.0 security profile: pushed requests, private_key_jwt, DPoP."""

    signer: AssertionKeys | None = None
    proofs: ProofKey | None = None
    nonce: str = ""

    def auth(self, **changes: Any) -> dict[str, str]:
        """Return the parameters that authenticate the client; `changes` replace claims of the assertion."""
        assert self.signer is not None
        return self.signer.auth(self.client_id, **({"aud": self.issuer} | changes))

    def proof(self, path: str, *, key: ProofKey | None = None, **changes: Any) -> dict[str, str]:
        """Return the header with a DPoP proof for a request to `path`."""
        chosen = key or self.proofs
        assert chosen is not None
        return {"DPoP": chosen.proof(path, **({"nonce": self.nonce} | changes))}

    async def push(
        self, *, proof: bool = False, assertion: dict[str, Any] | None = None, **params: str
    ) -> httpx.Response:
        """Push an authorization request; `proof` binds it to the client's key."""
        form = dict(parse_qsl(urlsplit(self.url(**params)).query)) | self.auth(**(assertion or {}))
        headers = self.proof("/par") if proof else {}
        return await self.http.post("/par", data=form, headers=headers)

    def pushed(self, answer: httpx.Response, **more: str) -> str:
        """Return the authorization request for the pushed request."""
        assert answer.status_code == 201, answer.text
        return "/authorize?" + urlencode(
            {"client_id": self.client_id, "request_uri": answer.json()["request_uri"]} | more
        )

    async def answer(self, *, outside: dict[str, str] | None = None, **params: Any) -> dict[str, str]:
        """Run a pushed authorization request; return the parameters of the response."""
        url = self.pushed(await self.push(**params), **(outside or {}))
        return self.response_of(await self.follow(await self.http.get(url)))

    async def code(self, **params: Any) -> str:
        """Return a new authorization code."""
        return (await self.answer(**params))["code"]

    async def exchange(
        self, code: str, *, headers: Any = None, auth: Any = None, **form: str
    ) -> httpx.Response:
        """Send the token request; `headers` replaces the proof, `auth` the assertion."""
        fixed = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        return await self.http.post(
            "/token",
            data=fixed | {"code_verifier": VERIFIER} | (self.auth() if auth is None else auth) | form,
            headers=self.proof("/token") if headers is None else headers,
        )

    async def bound(self, **params: Any) -> dict[str, Any]:
        """Run the complete flow; return the token response with the verified `claims` of the ID token."""
        answer = await self.exchange(await self.code(**params))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        assert body["token_type"] == "DPoP"
        claims = await self.verified(body["id_token"], access_token=body["access_token"])
        return {**body, "claims": claims}

    async def call(self, token: str, *, scheme: str = "DPoP", **changes: Any) -> httpx.Response:
        """Call the resource (userinfo) with a proof."""
        headers = self.proof("/userinfo", method="GET", token=token, **changes)
        return await self.http.get("/userinfo", headers={"Authorization": f"{scheme} {token}", **headers})
