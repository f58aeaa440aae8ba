"""A person with a browser, and an authenticator made of software."""

import html
import json
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import parse_qs, parse_qsl, urlsplit

import cbor2
import httpx
import pyotp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import CursorResult, Executable, Row, select, text
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from authkit import acr
from identity.accounts.models import Account
from services.identity.tests.support.running_identity import Browser
from services.identity.tests.support.shapes import JsonObject
from testkit.clock import FrozenClock
from testkit.pages import forms

PHONE = "19900001323"
CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64
PASSWORD = "Tianqi-2026"
SECURITY = "/account/security"


class SoftKey:
    """A device with one passkey (Web Authentication Level 3 §6); what it sends can be spoilt."""

    def __init__(self, origin: str = "http://localhost:8001", rp_id: str = "localhost") -> None:
        self.origin, self.rp_id = origin, rp_id
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.count = 0
        self.user: bytes | None = None
        self.verifies = True
        self.synced = False

    def _data(self, *, made: bool = False) -> bytes:
        flags = 0x01 | (0x04 if self.verifies else 0) | (0x18 if self.synced else 0) | (0x40 if made else 0)
        data = sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        if made:
            numbers = self.key.public_key().public_numbers()
            cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
            data += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        return data

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def create(self, options: JsonObject) -> str:
        """What `navigator.credentials.create` gives."""
        self.user = base64url_to_bytes(options["user"]["id"])
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(made=True)}
        client_data = self._client_data("webauthn.create", options["challenge"])
        return self._answer(
            clientDataJSON=bytes_to_base64url(client_data),
            attestationObject=bytes_to_base64url(cbor2.dumps(made)),
        )

    def get(self, options: JsonObject) -> str:
        """What `navigator.credentials.get` gives."""
        self.count += 1
        data = self._data()
        client_data = self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=bytes_to_base64url(client_data),
            authenticatorData=bytes_to_base64url(data),
            signature=bytes_to_base64url(signature),
            userHandle=None if self.user is None else bytes_to_base64url(self.user),
        )

    def _answer(self, **response: str | None) -> str:
        own = bytes_to_base64url(self.id)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": response})


def forms_of(page: str) -> dict[str, dict[str, str]]:
    """The forms of a page by their action, each with its hidden fields."""
    return {form.action: form.hidden for form in forms(page)}


def options_of(page: str) -> JsonObject:
    """What the page gives to the browser's Web Authentication API."""
    found = re.search(r'data-options="([^"]+)"', page)
    assert found is not None, page
    options: JsonObject = json.loads(html.unescape(found[1]))
    return options


@dataclass
class Person:
    """A person with an account, at a browser of their own."""

    app: FastAPI
    browser: Browser
    clock: FrozenClock
    phone: str = PHONE
    totp: pyotp.TOTP = field(default_factory=lambda: pyotp.TOTP(pyotp.random_base32()))
    recovery_codes: list[str] = field(default_factory=list)

    @property
    def http(self) -> httpx.AsyncClient:
        return self.browser.http

    async def run(self, statement: str | Executable, **values: object) -> CursorResult[Any]:
        async with self.app.state.database.transaction() as session:
            ready = text(statement) if isinstance(statement, str) else statement
            result: CursorResult[Any] = await session.execute(ready, values)
            return result

    async def account(self) -> Account:
        index = self.app.state.vault.index("phone", self.phone)
        found: Account = (await self.run(select(Account).where(Account.phone_index == index))).scalar_one()
        return found

    async def session(self) -> Row[Any]:
        """The row of the browser's session."""
        cookie = self.http.cookies["zhuxue_session"]
        rows = await self.run("SELECT * FROM sessions WHERE id = :id", id=cookie.partition(".")[0])
        return rows.one()

    async def audited(self) -> list[str]:
        """Actions on the person, in order."""
        sub = (await self.account()).id
        rows = await self.run("SELECT action FROM audit_log WHERE target_id = :t ORDER BY id", t=str(sub))
        return [row.action for row in rows]

    def messages(self) -> list[str]:
        """Text messages that are no codes, oldest first."""
        sent = self.app.state.sms.messages
        return [one.text for one in sent if one.phone == self.phone and "验证码为" not in one.text]

    async def sign_in(self, return_to: str = SECURITY) -> httpx.Response:
        await self.run("DELETE FROM sms_codes")
        answer = await self.browser.sign_in(self.phone, return_to)
        assert answer.status_code == 303, answer.text
        return answer

    async def page(self, url: str) -> httpx.Response:
        answer = await self.http.get(url)
        assert answer.status_code == 200, answer.headers
        return answer

    async def send(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        """Fill in a form of a page and send it."""
        return await self.http.post(action, data=forms_of(page.text)[action] | fields)

    async def set_password(self, password: str = PASSWORD, again: str | None = None) -> httpx.Response:
        page = await self.page(f"{SECURITY}/password")
        again = password if again is None else again
        return await self.send(page, f"{SECURITY}/password", password=password, again=again)

    async def add_totp(self, return_to: str = SECURITY) -> httpx.Response:
        page = await self.http.get(f"{SECURITY}/totp", params={"return_to": return_to})
        found = re.search(r'id="secret">(\w+)<', page.text)
        assert found is not None, page.text
        self.totp = pyotp.TOTP(found[1])
        answer = await self.send(page, f"{SECURITY}/totp", code=self.code())
        assert answer.status_code == 303, answer.text
        return await self.see_recovery_codes(answer)

    async def see_recovery_codes(self, answer: httpx.Response) -> httpx.Response:
        """Go on to the page that shows new recovery codes once."""
        shown = await self.page(answer.headers["location"])
        self.recovery_codes = re.findall(r"<code>([\w-]+)</code>", shown.text)
        return shown

    async def add_passkey(self, key: SoftKey, name: str = "") -> httpx.Response:
        page = await self.page(f"{SECURITY}/passkeys")
        made = key.create(options_of(page.text))
        return await self.send(page, f"{SECURITY}/passkeys", credential=made, name=name)

    def code(self, steps: int = 0) -> str:
        """What the device shows so many half minutes from now."""
        return self.totp.at(self.clock.now(), counter_offset=steps)

    async def step_up(self, by: str, return_to: str = SECURITY, **fields: str) -> httpx.Response:
        """`by` password or code."""
        level = acr.PASSWORD_SMS if by == "password" else acr.MFA
        page = await self.http.get("/login/step-up", params={"return_to": return_to, "acr": level})
        return await self.send(page, f"/login/step-up/{by}", **fields)

    async def use_passkey(self, key: SoftKey, return_to: str = SECURITY) -> httpx.Response:
        """Sign in with it alone."""
        page = await self.http.get("/login/passkey", params={"return_to": return_to})
        return await self.send(page, "/login/passkey", credential=key.get(options_of(page.text)))

    # As the person of a client that sends them here.

    def url(self, **params: str) -> str:
        return self.browser.authorize_url(verifier=VERIFIER, **params)

    async def authorize(self, **params: str) -> str:
        """Where the authorization endpoint sends the browser."""
        answer = await self.http.get(self.url(**params))
        return str(answer.headers.get("location", answer.text))

    async def redeem(self, location: str) -> JsonObject:
        """The token response, with the ID token's claims."""
        assert location.startswith(CALLBACK), location
        form = {
            "grant_type": "authorization_code",
            "client_id": "portal",
            "code": answer_of(location)["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        response = (await self.http.post("/token", data=form)).json()
        keys = KeySet.import_key_set((await self.http.get("/jwks")).json())
        return {**response, "claims": jwt.decode(response["id_token"], keys, ["ES256"]).claims}


class NewPerson(Protocol):
    """Makes people at browsers."""

    def __call__(self, phone: str = PHONE) -> Person: ...


def answer_of(location: str) -> dict[str, str]:
    """The parameters of an authorization response."""
    return dict(parse_qsl(urlsplit(location).query))


def return_to_of(location: str) -> str:
    """Where a page of ours leads back to."""
    return parse_qs(urlsplit(location).query)["return_to"][0]
