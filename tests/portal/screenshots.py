"""Writes `docs/screenshots/portal` and the table of pages in `docs/portal.md`; `make screenshots` runs it.

An administrator of 济南市 goes through the pages, on a desktop and on a phone. The cockpit has the figures of
`make run`.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from identity.bootstrap import World
from identity.units import worlds
from onebox.facts.filling import NEVER, Filling
from onebox.settings import Settings as Onebox
from services.identity.tests.support.running_identity import filled
from testkit.browsers import DESKTOP, PHONE, NewPage, Screen
from testkit.waiting import moments

from . import test_cockpit
from .conftest import NewVisitor, Site, Visitor
from .support import phone_of, sign_in
from .test_receiving import FIELDS, done

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.async_api import Page

    from testkit.postgres import Migration

pytestmark = pytest.mark.usefixtures("built")

DOCS = Path(__file__).parents[2] / "docs"
SHOTS = DOCS / "screenshots" / "portal"
BEGIN, END = "<!-- pages: written by make screenshots -->\n", "<!-- end of pages -->\n"
CENTRE, PROVINCE, CITY, COUNTY = "100000", "370000", "370100", "370102"
COCKPIT = (
    *(("overview", "资助概览"), ("hardship", "困难学生"), ("students", "资助学生"), ("funds", "资助资金")),
    *(("dictionary", "指标字典"), ("walls", "大屏"), ("wall", "大屏模式")),
)
HIGHEST = 2400
"""Lists go on below; a picture need not."""
ARTICLES = (
    (
        "如何签收通知",
        "通知",
        "<p>打开“通知公告”，选择通知，阅读正文后点击“签收”。</p><p>逾期签收的，系统注明“逾期”。</p>",
    ),
    ("如何转发上级通知", "通知", "<p>打开收到的通知，点击“转发”。可以提前截止时间，不能推后。</p>"),
    ("如何建立通讯录分组", "通讯录", "<p>打开“通讯录”，点击“分组”，再点击“新建分组”。</p>"),
    ("如何申请数据驾驶舱", "数据驾驶舱", "<p>在“我的账号”中提出申请，由上级单位审核。</p>"),
)


@dataclass(frozen=True)
class Shown:
    """A page by its short name."""

    name: str
    title: str
    path: str


served, cockpit_url, figures = test_cockpit.served, test_cockpit.cockpit_url, test_cockpit.figures


async def with_viewer(url: str) -> None:
    """World S, whose 济南 may see the cockpit."""
    people = [*worlds.centre_staff(), *worlds.world_s_people()]
    await filled(url, World(worlds.world_s(), people, frozenset({phone_of(CITY)})))


@pytest.fixture
def world() -> "Migration":
    return with_viewer


async def publish(sender: Visitor, title: str, prefix: str, fields: Sequence[Any] = ()) -> str:
    """A notice to the units directly below; its id."""
    body = "<p>各单位要高度重视，安排专人负责，按时报送，确保数据真实、准确、完整。</p>"
    draft = {"title": title, "body": body, "recipients": {"reach": "children"}}
    notice = await done(await sender.call("POST", "/api/office/v1/notices", json=draft))
    path = f"/api/office/v1/notices/{notice['id']}"
    if fields:
        await done(await sender.call("PUT", f"{path}/form", json={"fields": fields}))
    await done(await sender.call("POST", "/api/office/v1/number-series", json={"prefix": prefix}))
    key = {"idempotency-key": str(uuid4())}
    await done(await sender.call("POST", f"{path}/publish", json={}, headers=key))
    return str(notice["id"])


async def prepare(new_visitor: NewVisitor) -> list[Shown]:
    """What there is to see, and the pages that show it."""
    visitors = {code: new_visitor() for code in (CENTRE, PROVINCE, CITY, COUNTY)}
    for code, one in visitors.items():
        await one.sign_in(phone_of(code))
    centre, city = visitors[CENTRE], visitors[CITY]
    for title, category, body in ARTICLES:
        article = {"title": title, "category": category, "body": body}
        help_id = (await done(await centre.call("POST", "/api/office/v1/help-articles", json=article)))["id"]
    ministry = (await done(await centre.call("GET", "/api/identity/v1/me")))["unit_id"]
    for name, host in (("全国学生资助管理信息系统", "xszz"), ("国家助学贷款信息管理系统", "loan")):
        home = f"https://{host}.example.cn/"
        client = {"client_name": name, "redirect_uris": [f"{home}cb"], "owner_unit_id": ministry}
        await done(await centre.call("POST", "/api/identity/v1/clients", json={**client, "client_uri": home}))
    received = await publish(visitors[PROVINCE], "关于做好春季学期学生资助资金发放工作的通知", "鲁教助")
    sent = await publish(city, "关于报送春季学期资助人数的通知", "济教助", FIELDS)
    await done(await visitors[COUNTY].call("POST", f"/api/office/v1/notices/{sent}/sign"))
    draft = {"title": "关于报送秋季学期经办人员的通知", "recipients": {"reach": "children"}}
    form = (await done(await city.call("POST", "/api/office/v1/notices", json=draft)))["id"]
    await done(await city.call("PUT", f"/api/office/v1/notices/{form}/form", json={"fields": FIELDS}))
    own = (await done(await city.call("GET", "/api/identity/v1/me")))["unit_id"]
    units = (await done(await city.call("GET", f"/api/office/v1/contacts/units/{own}/children")))["items"]
    people = (await done(await city.call("GET", f"/api/office/v1/contacts/units/{own}/people")))["items"]
    members = [{"unit_id": one["id"]} for one in units[:4]]
    group = {"name": "城区片", "members": [*members, {"unit_id": own, "sub": people[0]["sub"]}]}
    group_id = (await done(await city.call("POST", "/api/office/v1/contact-groups", json=group)))["id"]
    await done(await city.call("POST", "/api/office/v1/contact-favourites", json=members[0]))
    return [
        Shown("home", "首页", "/"),
        Shown("tasks", "待办", "/tasks"),
        Shown("notices", "收到的通知", "/notices"),
        Shown("notice", "通知", f"/notices/{received}"),
        Shown("coverage", "送达情况", f"/notices/{sent}/coverage"),
        Shown("outbox", "发出的通知", "/notices/outbox"),
        Shown("draft", "起草通知", "/notices/outbox/new"),
        Shown("form", "填报表单", f"/notices/outbox/{form}/form"),
        Shown("contacts", "通讯录", f"/contacts?person={people[0]['sub']}"),
        Shown("unit", "单位主页", f"/contacts/units/{own}"),
        Shown("groups", "通讯录分组", "/contacts/groups"),
        Shown("group", "分组", f"/contacts/groups/{group_id}"),
        Shown("search", "搜索", "/search?q=历下"),
        Shown("help", "帮助", "/help"),
        Shown("article", "帮助文章", f"/help/{help_id}"),
        Shown("administration", "组织管理", "/administration"),
        Shown("units", "单位管理", "/administration/units"),
        Shown("people", "人员管理", "/administration/people"),
        Shown("invites", "邀请", "/administration/invites"),
        Shown("requests", "申请审核", "/administration/requests"),
        Shown("reviews", "授权复核", "/administration/reviews"),
        Shown("delegations", "委托代办", "/delegations"),
        Shown("hand-overs", "工作交接", "/administration/hand-overs"),
        Shown("imports", "批量导入", "/administration/imports"),
        Shown("clients", "接入系统", "/administration/clients"),
        *(Shown(f"cockpit-{name}", title, f"/cockpit/{name}") for name, title in COCKPIT),
        Shown("display", "大屏（等待批准）", "/wall"),
    ]


async def fill(cockpit: "FastAPI") -> None:
    """Bring in the facts of `make run`, once Cockpit has the units."""
    filling = Filling(cockpit, Onebox.model_fields["awards"].default)
    async for _ in moments(pause=1):
        if await filling.run() == NEVER:
            return
    raise AssertionError("Cockpit has not copied the units")


async def photograph(page: "Page", screen: Screen) -> bytes:
    """The page as WebP, once it has loaded."""
    await page.locator("main h1").first.wait_for()
    await expect(page.locator(".state.loading, [aria-busy=true], .chart:not(:has(canvas))")).to_have_count(0)
    height = min(HIGHEST, await page.evaluate("document.documentElement.scrollHeight"))
    devtools = await page.context.new_cdp_session(page)
    clip = {"x": 0, "y": 0, "width": screen.width, "height": height, "scale": 1}
    wanted = {"format": "webp", "quality": 50, "captureBeyondViewport": True, "clip": clip}
    shot = await devtools.send("Page.captureScreenshot", wanted)
    await devtools.detach()
    return base64.b64decode(shot["data"])


def image(shown: Shown, screen: Screen) -> str:
    """A small picture that leads to the whole."""
    path = f"screenshots/portal/{shown.name}-{screen.name}.webp"
    width = 320 if screen is DESKTOP else 120
    return f'<a href="{path}"><img src="{path}" width="{width}" alt="{shown.title}"></a>'


async def test_screenshots(
    site: Site, figures: "FastAPI", new_page: NewPage, new_visitor: NewVisitor
) -> None:
    page = await new_page(DESKTOP)
    # Charts are drawn at once.
    await page.emulate_media(reduced_motion="reduce")
    # First: a code by SMS is sent once a minute, and visitors know how not to wait.
    await sign_in(page, site, phone_of(CITY))
    pages = await prepare(new_visitor)
    await fill(figures)
    SHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    for shown in pages:
        for screen in (DESKTOP, PHONE):
            await page.set_viewport_size({"width": screen.width, "height": screen.height})
            await page.goto(site.url + shown.path)
            (SHOTS / f"{shown.name}-{screen.name}.webp").write_bytes(await photograph(page, screen))
        found.append(f"| {shown.title} | {image(shown, DESKTOP)} | {image(shown, PHONE)} |\n")
    document = DOCS / "portal.md"
    before, _, rest = document.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "| Page | Desktop | Telephone |\n| --- | --- | --- |\n"
    document.write_text(f"{before}{BEGIN}{table}{''.join(found)}{END}{after}", encoding="utf-8")
