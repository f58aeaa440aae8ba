"""Administrators who call the registry of clients, and people who sign in at a client."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from services.identity.tests.support.running_identity import Browser

COUNTY_ADMIN = "19900001323"  # 历下区 370102
CENTRE_ADMIN = "19900000001"
CITY_ADMIN = "19900001039"  # 济南市 370100
SCHOOL_ADMIN = "19900002087"  # of a school below 370102
SIBLING_ADMIN = "19900001325"  # 370103
VERIFIER = "v" * 64
CALLBACK = "https://rp.example.cn/cb"


class Admin:
    """An administrator who calls the API."""

    def __init__(self, browser: Browser, bearer: dict[str, str], unit: str, name: str) -> None:
        self.browser, self.bearer, self.unit, self.name = browser, bearer, unit, name

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.bearer, **more.pop("headers", {})}
        return await self.browser.http.request(method, f"/api/v1{path}", headers=headers, **more)

    async def register(self, **changes: object) -> httpx.Response:
        body = {"client_name": "奖助系统", "redirect_uris": [CALLBACK], "owner_unit_id": self.unit}
        return await self.call("POST", "/clients", json=body | changes)


AdminOf = Callable[[str], Awaitable[Admin]]
"""Signs the person with a phone number in."""


async def sign_in_through(
    browser: Browser, client_id: str, secret: str, phone: str = COUNTY_ADMIN
) -> httpx.Response:
    """The whole code flow at the registered client; the token response."""
    url = browser.authorize_url(
        verifier=VERIFIER, client_id=client_id, redirect_uri=CALLBACK, scope="openid profile"
    )
    answer = await browser.http.get(url)
    if answer.status_code not in (200, 303):
        return answer
    if answer.headers.get("location", "").startswith("/login"):
        answer = await browser.sign_in(phone, url)
        answer = await browser.http.get(answer.headers["location"])
    answer = await browser.consented(answer)
    code = answer.headers["location"].partition("code=")[2].partition("&")[0]
    return await redeem(browser, client_id, secret, code)


async def redeem(browser: Browser, client_id: str, secret: str, code: str) -> httpx.Response:
    return await browser.http.post(
        "/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        },
        auth=(client_id, secret),
    )
