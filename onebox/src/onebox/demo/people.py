"""People with browsers, who sign in by code flow with PKCE, phone number and SMS code."""

import asyncio
import re
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from contracts.vocabulary import Audience

OFFICE, COCKPIT, IDENTITY = Audience.OFFICE, Audience.COCKPIT, Audience.IDENTITY
SCOPE = "openid profile phone office cockpit:read cockpit:write identity"
_EARLY = 10.0
_LOOKS, _PAUSE = 200, 0.1
# Shared, because reading the system's certificates for each client takes longer than a sign-in.
TLS = ssl.create_default_context()


class Failed(RuntimeError):
    """The system's response differs from the expected one."""


@dataclass(frozen=True)
class System:
    """The base URLs of the services."""

    identity: str
    office: str
    cockpit: str
    callback: str
    messages: str = ""
    """Where text messages are read, if not in Identity's inbox of dev mode."""

    @staticmethod
    def local(first_port: int = 8000) -> "System":
        """Return the URLs of `make run`."""
        identity, office, cockpit = (f"http://localhost:{first_port + i}" for i in (1, 2, 3))
        return System(identity, office, cockpit, f"http://localhost:{first_port}/demo/callback")


def expect(response: httpx.Response, *statuses: int) -> Any:
    """Return the JSON body if the status is one of `statuses`, else raise `Failed`."""
    if response.status_code not in (statuses or (200,)):
        request = response.request
        raise Failed(f"{request.method} {request.url} answered {response.status_code}: {response.text[:500]}")
    return response.json() if response.content else None


@dataclass
class Person:
    """One person, one browser, one cookie jar; tokens by audience."""

    system: System
    phone: str
    http: httpx.AsyncClient = field(init=False)
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the browser."""
        self.http = httpx.AsyncClient(timeout=30, follow_redirects=False, verify=TLS)

    async def __aenter__(self) -> "Person":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def token(self, audience: str) -> str:
        """Return a valid access token for `audience`; sign in if needed."""
        value, until = self._tokens.get(audience, ("", 0.0))
        if time.monotonic() > until:
            answer, _ = await self.code_flow(audience)
            value = answer["access_token"]
            self._tokens[audience] = (value, time.monotonic() + answer["expires_in"] - _EARLY)
        return value

    def forget_tokens(self) -> None:
        """Drop the tokens, because their claims are those of the time of issuance."""
        self._tokens.clear()

    async def request(self, method: str, url: str, audience: str, **more: Any) -> httpx.Response:
        """Send a request with a token for `audience`."""
        headers = {"Authorization": f"Bearer {await self.token(audience)}", **more.pop("headers", {})}
        return await self.http.request(method, url, headers=headers, **more)

    async def identity(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call Identity."""
        return await self.request(method, f"{self.system.identity}/api/v1{path}", IDENTITY, **more)

    async def office(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call Office."""
        return await self.request(method, f"{self.system.office}/api/v1{path}", OFFICE, **more)

    async def cockpit(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call Cockpit."""
        return await self.request(method, f"{self.system.cockpit}/api/v1{path}", COCKPIT, **more)

    async def code_flow(self, audience: str) -> tuple[dict[str, Any], str]:
        """Run the code flow with Authlib's client; return the token response and the nonce."""
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        client = AsyncOAuth2Client(
            "portal",
            redirect_uri=self.system.callback,
            scope=SCOPE,
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
            verify=TLS,
        )
        async with client as oauth:
            url, state = oauth.create_authorization_url(
                f"{self.system.identity}/authorize", code_verifier=verifier, nonce=nonce, resource=audience
            )
            back = await self._authorized(url)
            answer = parse_qs(urlsplit(back).query)
            if answer.get("iss") != [self.system.identity] or answer.get("state") != [state]:
                raise Failed(f"the authorization response is not ours: {back}")
            token = await oauth.fetch_token(
                f"{self.system.identity}/token",
                authorization_response=back,
                code_verifier=verifier,
                state=state,
            )
        return dict(token), nonce

    async def validated_id_token(self) -> dict[str, Any]:
        """Sign in and check the ID token (OpenID Connect Core §3.1.3.7); returns its claims."""
        token, nonce = await self.code_flow(IDENTITY)
        keys = KeySet.import_key_set((await self.http.get(f"{self.system.identity}/jwks")).json())
        decoded = jwt.decode(token["id_token"], keys, algorithms=["ES256"])
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self.system.identity},
                "aud": {"essential": True, "value": "portal"},
            },
            {"nonce": nonce, "client_id": "portal", "access_token": token["access_token"]},
        )
        claims.validate(leeway=5)
        return dict(claims)

    async def last_code(self) -> str:
        """Return the latest code that was sent to this number; in production it comes after the answer."""
        url = self.system.messages or f"{self.system.identity}/dev/sms.json"
        for _ in range(_LOOKS):
            for message in expect(await self.http.get(url, params={"phone": self.phone})):
                if found := re.search(r"\b\d{6}\b", message["text"]):
                    return found.group()
            await asyncio.sleep(_PAUSE)
        raise Failed(f"no code for {self.phone}")

    async def _authorized(self, url: str) -> str:
        response = await self.http.get(url)
        location = response.headers.get("location", "")
        if location.startswith("/login"):
            response = await self._signed_in(f"{self.system.identity}{location}")
            response = await self.http.get(f"{self.system.identity}{response.headers['location']}")
            location = response.headers.get("location", "")
        if not location.startswith(self.system.callback):
            raise Failed(f"authorize answered {response.status_code}: {response.text[:500]}")
        return str(location)

    async def _signed_in(self, url: str) -> httpx.Response:
        page = await self.http.get(url)
        found = re.search(r'name="csrf" value="(\w+)"', page.text)
        if found is None:
            raise Failed(f"no sign-in form: {page.status_code} {page.text[:300]}")
        return_to = parse_qs(urlsplit(url).query)["return_to"][0]
        form = {"csrf": found.group(1), "return_to": return_to, "phone": self.phone}
        sent = await self.http.post(f"{self.system.identity}/login/code", data=form)
        if sent.status_code == 429:
            # An earlier run sent a code to this number less than a minute ago.
            await asyncio.sleep(61)
            sent = await self.http.post(f"{self.system.identity}/login/code", data=form)
        if sent.status_code != 200:
            raise Failed(f"no code was sent: {sent.status_code}")
        answer = await self.http.post(
            f"{self.system.identity}/login", data={**form, "code": await self.last_code()}
        )
        if answer.status_code != 303:
            raise Failed(f"sign-in answered {answer.status_code}")
        return answer
