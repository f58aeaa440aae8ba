"""The flows of people at browsers, for both sides: signing in, and a code with a live session."""

import asyncio
import contextlib
import html
import json
import random
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.common.http_client import Answer, BadAnswer, Browser
from contracts.vocabulary import Audience

CALLBACK = "http://127.0.0.1:9/callback"
RESOURCE = Audience.OFFICE
# RFC 7636 appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@dataclass(frozen=True)
class Client:
    """The client; a public client has no `basic`."""

    client_id: str
    basic: str = ""

    @property
    def headers(self) -> str:
        """Return the header that authenticates the client."""
        return f"Authorization: Basic {self.basic}\r\n" if self.basic else ""


class Side(Protocol):
    """One of the two issuers under load."""

    name: str
    port: int
    authorize: str
    """Path of the authorization endpoint."""

    async def sign_in(self, browser: Browser, login: str, phone: str) -> Answer:
        """Sign in, from the redirect to the sign-in page to the redirect back."""
        ...


def authorize_url(side: Side, client: Client, resource: str = RESOURCE) -> str:
    """Return an authorization request like those of Zhuxue's own applications."""
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid profile office",
        "resource": resource,
        "state": "af0ifjsldkj",
        "nonce": "n-0S6_WzA2Mj",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{side.authorize}?{urlencode(query)}"


async def signed_in(side: Side, browser: Browser, client: Client, phone: str) -> dict[str, Any]:
    """Run a complete sign-in, from the first request without a session to the tokens."""
    browser.cookies.clear()
    # SMS codes are rate-limited by address; with a single address, the count would cover many rows.
    browser.address = f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(256)}"
    first = await browser.get(authorize_url(side, client))
    return await _to_tokens(browser, client, await side.sign_in(browser, first.location, phone))


async def code_flow(side: Side, browser: Browser, client: Client, resource: str = RESOURCE) -> dict[str, Any]:
    """Run the flow from the authorization request to the tokens, in an existing session."""
    return await _to_tokens(browser, client, await browser.get(authorize_url(side, client, resource)))


async def _to_tokens(browser: Browser, client: Client, answer: Answer) -> dict[str, Any]:
    while not answer.location.startswith(CALLBACK):
        answer = await browser.get(answer.location)
    query = parse_qs(urlsplit(answer.location).query)
    if "code" not in query:
        raise BadAnswer(answer.location)
    form = {
        "grant_type": "authorization_code",
        "code": query["code"][0],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    if not client.basic:
        form["client_id"] = client.client_id
    tokens = await browser.post("/token", form, client.headers)
    if tokens.status != 200:
        raise BadAnswer(f"{tokens.status}: {tokens.body[:500]!r}")
    return dict(json.loads(tokens.body))


class Texts:
    """An SMS gateway on a free port: stores the last code for each number until it is taken."""

    def __init__(self) -> None:
        self._codes: dict[str, asyncio.Future[str]] = {}
        self.url = ""

    async def take(self, phone: str) -> str:
        """Return the code for a number; wait until it is sent."""
        async with asyncio.timeout(10):
            code = await self._code(phone)
        del self._codes[phone]
        return code

    def _code(self, phone: str) -> asyncio.Future[str]:
        return self._codes.setdefault(phone, asyncio.get_running_loop().create_future())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the context exits."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                found = re.search(rb"content-length: (\d+)", head)
                message = json.loads(await reader.readexactly(int(found[1]) if found else 0))
                code = re.search(r"\d{6}", message["text"])
                if code is not None:
                    if self._code(message["phone"]).done():
                        del self._codes[message["phone"]]
                    self._code(message["phone"]).set_result(code.group())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()


@dataclass
class Ours:
    """Identity: phone number and SMS code."""

    port: int
    texts: Texts
    name: str = "ours"
    authorize: str = "/authorize"

    async def sign_in(self, browser: Browser, login: str, phone: str) -> Answer:
        """Page, code, form."""
        page = await browser.get(login)
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.body.decode())
        form = {name: html.unescape(value) for name, value in hidden} | {"phone": phone}
        sent = await browser.post("/login/code", form)
        if sent.status != 200:
            raise BadAnswer(f"{sent.status}: {sent.body.decode()[-1500:]}")
        return await browser.post("/login", {**form, "code": await self.texts.take(phone)})


@dataclass
class Peer:
    """oidc-provider: phone number only."""

    port: int
    name: str = "peer"
    authorize: str = "/auth"

    async def sign_in(self, browser: Browser, login: str, phone: str) -> Answer:
        """Page, form."""
        await browser.get(login)
        return await browser.post(login, {"phone": phone})


@dataclass
class SameWork:
    """oidc-provider with the work of ours: phone number and SMS code."""

    port: int
    texts: Texts
    name: str = "same"
    authorize: str = "/auth"

    async def sign_in(self, browser: Browser, login: str, phone: str) -> Answer:
        """Page, code, form."""
        await browser.get(login)
        sent = await browser.post(f"{login}/code", {"phone": phone})
        if sent.status != 200:
            raise BadAnswer(f"{sent.status}: {sent.body.decode()[-1500:]}")
        return await browser.post(login, {"phone": phone, "code": await self.texts.take(phone)})


@dataclass(frozen=True)
class Timed:
    """The durations of a run of flows."""

    flows: int
    seconds: float
    durations: list[float]


async def timed(
    side: Side,
    flow: Callable[[Browser, int], Any],
    *,
    concurrency: int,
    seconds: float = 0,
    limit: int = 0,
    begin: Callable[[Browser, int], Any] | None = None,
    started: Callable[[], Any] | None = None,
) -> Timed:
    """Run `flow` repeatedly in `concurrency` browsers, for `seconds` or until `limit` runs are complete.

    `begin` runs once in each browser, then `started` once, before the measurement starts.
    """
    browsers = [Browser("127.0.0.1", side.port) for _ in range(concurrency)]
    durations: list[float] = []
    numbers = iter(range(limit or 10**9))
    try:
        if begin is not None:
            await asyncio.gather(*(begin(browser, number) for number, browser in enumerate(browsers)))
        if started is not None:
            await started()
        start = time.perf_counter()

        async def run(browser: Browser) -> None:
            while limit or time.perf_counter() < start + seconds:
                number = next(numbers, None)
                if number is None:
                    return
                began = time.perf_counter()
                await flow(browser, number)
                durations.append(time.perf_counter() - began)

        await asyncio.gather(*(run(browser) for browser in browsers))
        return Timed(len(durations), time.perf_counter() - start, durations)
    finally:
        for browser in browsers:
            browser.close()
