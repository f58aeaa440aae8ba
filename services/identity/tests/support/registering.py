"""Parties that register at the issuer (RFC 7591), and the administrator who lets them."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from services.identity.tests.support.running_identity import Browser
from services.identity.tests.support.shapes import Headers, JsonObject
from testkit.relying_party import RelyingParty


@dataclass
class Party(RelyingParty):
    """A relying party that registers itself (RFC 7591)."""

    phone: str = "19900001324"
    callback: str = "https://rp.example.cn/cb"
    initial: str = ""
    client: JsonObject = field(default_factory=dict)

    async def register(self, **metadata: object) -> httpx.Response:
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

    async def manage(self, method: str, token: str | None = None, *, json: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.client['registration_access_token']}"}
        uri = self.client["registration_client_uri"]
        return await self.http.request(method, uri, headers=headers, json=json)


class NewParty(Protocol):
    """Makes parties that may register, as the centre limits them."""

    async def __call__(self, **limits: object) -> Party: ...


class Register(Protocol):
    """Puts a client into the registry; `changes` are attributes of `Client`."""

    async def __call__(self, client_id: str, **changes: Any) -> None: ...


@dataclass
class Centre:
    """The centre's administrator, who calls the API."""

    browser: Browser
    bearer: Headers
    county: str
    """The id of 历下区."""

    async def __call__(self, method: str, path: str, *, json: object = None) -> httpx.Response:
        return await self.browser.http.request(method, f"/api/v1{path}", headers=self.bearer, json=json)
