"""Signs a demo person in at Identity for the browser that asks, by a text message as the person would do it.

Cookies of `localhost` are sent to each of its ports (RFC 6265 §8.5), so that Identity's cookies can come to
the browser in an answer of the portal.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx


@dataclass(frozen=True)
class Arrived:
    """Where the browser goes on, and the `Set-Cookie` headers that it takes along."""

    url: str
    cookies: list[str]


@dataclass(frozen=True)
class Wait:
    """Identity sends a number one code a minute; try again after so many seconds."""

    seconds: int


@dataclass
class _Browser:
    """Requests with the cookies of the browser for which they are made."""

    http: httpx.AsyncClient
    headers: Mapping[str, str]
    jar: dict[str, str]
    kept: list[str] = field(default_factory=list)

    async def send(self, method: str, url: str, form: dict[str, str] | None = None) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        answer = await self.http.request(method, url, headers={**self.headers, "cookie": cookie}, data=form)
        self.http.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            self.kept.append(line)
            self.jar.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        return answer


async def sign_in(url: str, phone: str, cookies: Mapping[str, str], user_agent: str) -> Arrived | Wait | None:
    """Follow an authorization request until its person is signed in. None if Identity asks for anything else
    than a code: then the browser goes to Identity's page itself.
    """
    async with httpx.AsyncClient(timeout=60) as http:
        browser = _Browser(http, {"user-agent": user_agent}, dict(cookies))
        asked = await browser.send("GET", url)
        page_url = urljoin(url, asked.headers.get("location", ""))
        return_to = parse_qs(urlsplit(page_url).query).get("return_to")
        page = await browser.send("GET", page_url)
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
        if not return_to or csrf is None:
            return None
        form = {"csrf": csrf.group(1), "return_to": return_to[0], "phone": phone}
        sent = await browser.send("POST", urljoin(url, "/login/code"), form)
        if sent.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return Wait(int(sent.headers.get("retry-after", "60")))
        inbox = await http.get(urljoin(url, "/dev/sms.json"), params={"phone": phone})
        texts = " ".join(message["text"] for message in inbox.json())
        code = re.search(r"\b\d{6}\b", texts)
        if sent.status_code != httpx.codes.OK or code is None:
            return None
        answer = await browser.send("POST", urljoin(url, "/login"), form | {"code": code.group()})
        if answer.status_code != httpx.codes.SEE_OTHER:
            return None
        return Arrived(urljoin(url, answer.headers["location"]), browser.kept)
