"""People at the portal's pages, in Chromium over the BFF: from signing in to signing for a notice."""

import asyncio
import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import expect

from onebox import web
from testkit.browsers import PATIENCE, NewPage
from testkit.waiting import moments

from .conftest import COUNTY_ADMIN, NewVisitor, Site, Visitor, secrets_of
from .support import judge, phone_of, sign_in

if TYPE_CHECKING:
    from playwright.async_api import Response

pytestmark = pytest.mark.usefixtures("built")

FIRST_VIEW_BYTES = 300 * 1024
ROUTE_BYTES = 120 * 1024
CHARTS = "src/components/charts/echarts.ts"
CHARTS_BYTES = 200 * 1024
TITLE = "关于报送资助工作总结的通知"
SIGNED = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
"""A token that is signed (RFC 7515 §7.1)."""
STORED = """async () => [
  JSON.stringify([localStorage, sessionStorage, document.cookie]),
  [...await indexedDB.databases(), ...await caches.keys(),
   ...await navigator.serviceWorker.getRegistrations()].length,
]"""
"""All that scripts can read in a browser, and how much there is of what the pages do not use."""


UNREAD = {"/bff/session", "/demo/accounts"}
"""Refusals whose content no script reads: Chromium then never says that it has arrived."""


async def published(person: Visitor, prefix: str) -> str:
    """A notice of a person's unit to those right below, with numbers of this prefix; its id."""
    draft = {"title": TITLE, "body": "<p>请按时报送。</p><p style='text-align: center'>附件</p>"}
    series = {"prefix": prefix}
    async for _ in moments():
        # Office learns of the units by events.
        answer = await person.call("POST", "/api/office/v1/notices", json=draft)
        if answer.status_code == 201:
            break
    assert answer.status_code == 201, answer.text
    notice = answer.json()
    made = await person.call("POST", "/api/office/v1/number-series", json=series)
    assert made.status_code == 201, made.text
    headers = {"if-match": answer.headers["etag"]}
    path = f"/api/office/v1/notices/{notice['id']}/publish"
    async for _ in moments():
        headers["idempotency-key"] = str(uuid4())
        issued = await person.call("POST", path, json={}, headers=headers)
        if issued.json().get("code") != "nothing_below":
            break
    assert issued.status_code == 200, issued.text
    return str(notice["id"])


def compressed(sent: "list[tuple[str, bytes]]") -> int:
    return sum(len(gzip.compress(body)) for address, body in sent if address.endswith(".js"))


async def all_read(waiting: "dict[asyncio.Task[None], str]") -> None:
    """Wait for all that is being read."""
    _, late = await asyncio.wait(waiting, timeout=PATIENCE)
    assert not [waiting[one] for one in late]


async def test_somebody_signs_in_opens_a_notice_signs_for_it_and_signs_out(
    site: Site, new_page: NewPage, new_visitor: NewVisitor
) -> None:
    city = new_visitor()
    await city.sign_in(phone_of("370100"))
    notice_id = await published(city, "济教助")
    page = await new_page()
    sent: list[tuple[str, bytes]] = []
    seen: list[str] = []
    unsafe: list[str] = []

    async def keep(response: "Response") -> None:
        headers = await response.all_headers()
        seen.append(response.url + str(headers))
        if not response.url.startswith(site.url):
            return
        policy = headers.get("content-security-policy", "unsafe: there is none")
        if "unsafe" in policy or "default-src 'none'" not in policy:
            unsafe.append(response.url)
        if headers.get("content-type", "").startswith("text/event-stream") or response.status in {303, 304}:
            return
        if response.status in {401, 404} and urlsplit(response.url).path in UNREAD:
            return
        body = await response.body()
        seen.append(body.decode("utf-8", "replace"))
        if response.url.startswith(f"{site.url}/assets/"):
            sent.append((response.url, body))

    waiting: dict[asyncio.Task[None], str] = {}

    def listen(response: "Response") -> None:
        waiting[asyncio.ensure_future(keep(response))] = f"{response.status} {response.url}"

    page.on("response", listen)
    await page.goto(f"{site.url}/sign-in")
    await page.get_by_role("link", name="前往统一用户认证登录").wait_for()
    await judge(page, "sign-in")
    await all_read(waiting)
    assert 0 < compressed(sent) <= FIRST_VIEW_BYTES
    await sign_in(page, site, COUNTY_ADMIN)
    await judge(page, "home")
    await page.get_by_role("region", name="最新通知").get_by_role("link", name=TITLE).click()
    await page.get_by_role("heading", level=1, name=TITLE).wait_for()
    assert page.url == f"{site.url}/notices/{notice_id}"
    await judge(page, "notice")
    await page.get_by_role("button", name="签收").click()
    await expect(page.get_by_text("签收").filter(has_text="于")).to_be_visible(timeout=PATIENCE * 1000)
    await expect(page.get_by_role("button", name="签收")).to_have_count(0)
    await expect(page.get_by_role("status").filter(has_text="已签收")).to_be_focused()
    await judge(page, "signed")
    page.remove_listener("response", listen)
    await all_read(waiting)
    assert not unsafe
    assert any("/api/office/" in text for text in seen)
    secrets = await secrets_of(site)
    assert len(secrets) >= 6, "of two people"
    stored, others = await page.evaluate(STORED)
    assert others == 0
    for text in (*seen, stored):
        assert not SIGNED.search(text), "no token reaches the browser"
        assert not [one for one in secrets if one in text]
    # Another tab is signed out with this one, without being asked.
    other = await page.context.new_page()
    await other.goto(f"{site.url}/tasks")
    await other.get_by_role("heading", level=1, name="待办").wait_for()
    await other.evaluate("sessionStorage.setItem('zhuxue:draft:x', '{}')")
    await page.get_by_role("button", name="退出登录").click()
    await page.get_by_text("您已退出登录").wait_for()
    await other.get_by_text("您已退出登录").wait_for()
    assert await other.evaluate("Object.keys(sessionStorage)") == []
    # So it is at Identity: it asks who comes.
    await other.get_by_role("link", name="前往统一用户认证登录").click()
    await other.get_by_label("手机号").wait_for()
    await page.goto(f"{site.url}/tasks")
    await page.wait_for_url(f"{site.url}/sign-in?return_to=/tasks")


def test_no_route_and_no_first_view_brings_more_than_its_bytes() -> None:
    """All files that a page adds to those of the first view. Charts come by themselves, after the paint."""
    manifest = json.loads(Path(web.DIST, ".vite", "manifest.json").read_text("utf-8"))
    sizes = {
        name: len(gzip.compress(Path(web.DIST, one["file"]).read_bytes()))
        for name, one in manifest.items()
        if one["file"].endswith(".js")
    }

    def files(name: str) -> set[str]:
        found, waiting = set[str](), [name]
        while waiting:
            one = waiting.pop()
            if one in sizes and one not in found:
                found.add(one)
                waiting += manifest[one].get("imports", [])
        return found

    first = files("index.html")
    pages = {name: files(name) for name, one in manifest.items() if one.get("isDynamicEntry")}
    assert len([name for name in pages if name.endswith("Page.vue")]) > 50
    charts = pages.pop(CHARTS) - first
    assert sum(sizes[one] for one in charts) <= CHARTS_BYTES
    for name, of_page in pages.items():
        assert sum(sizes[one] for one in of_page - first) <= ROUTE_BYTES, name
        assert sum(sizes[one] for one in of_page | first) <= FIRST_VIEW_BYTES, name
        # Small files that both need, such as a helper of the bundler, are no charts.
        assert not [one for one in of_page & charts if sizes[one] > 1024], name
