"""Writes `docs/screenshots/portal` and the table of pages in `docs/portal.md`; `make screenshots` runs it.

Of some pages: `PAGES="answers coverage" make screenshots`.

An administrator of 济南市 goes through the pages, on a desktop and on a telephone; the centre and the
administrators of the platform through those that are theirs. The pages are those of the router:
`src/shell/router.test.ts` fails if one of them has no picture.
"""

import asyncio
import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from contracts.vocabulary import PlatformRole
from identity.bootstrap import World
from identity.units import worlds
from services.identity.tests.support.running_identity import filled
from testkit.browsers import DESKTOP, PHONE, NewPage, Screen, overflow, serious_faults

from . import scene_administration, scene_cockpit, scene_office, test_cockpit
from .conftest import NewVisitor, Site
from .scene_people import CENTRE, CITY, COUNTIES, PLATFORM, Cast, appointed
from .support import phone_of, sign_in
from .test_states import ROUTES

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.async_api import Page

    from testkit.postgres import Migration

pytestmark = [pytest.mark.usefixtures("built"), pytest.mark.timeout(3600)]

DOCS = Path(__file__).parents[2] / "docs"
SHOTS = DOCS / "screenshots" / "portal"
BEGIN, END = "<!-- pages: written by make screenshots -->\n", "<!-- end of pages -->\n"
HIGHEST = 2400
"""Lists go on below; a picture need not."""
SINCE = timedelta(days=345)
"""How long the world has been as it is: authorisations end within a month, and are reviewed."""
ONLY = os.environ.get("PAGES", "").split()
"""Short names of the pages to photograph; all, if there are none."""
SECURITY, AUDIT, NOBODY = "security", "audit", "nobody"


@dataclass(frozen=True)
class Shown:
    """A page of the router, by its Chinese name and a short one."""

    route: str
    name: str
    title: str
    viewer: str = CITY
    query: str = ""
    """What follows the address."""

    def address(self, ids: Mapping[str, str]) -> str:
        """Where the page is, with the id of what it shows."""
        found = ids.get(self.route, "")
        address = self.route.replace("/:rest(.*)*", "/nowhere").replace(":id", found).replace(":sub", found)
        return address + self.query.format(found)


PAGES = (
    Shown("/sign-in", "sign-in", "登录", NOBODY),
    Shown("/", "home", "首页"),
    Shown("/tasks", "tasks", "待办"),
    Shown("/notices", "notices", "收到的通知"),
    Shown("/notices/:id", "notice", "通知"),
    Shown("/notices/:id/answer", "answer", "填写答复"),
    Shown("/notices/:id/coverage", "coverage", "覆盖情况"),
    Shown("/notices/:id/answers", "answers", "答复汇总"),
    Shown("/notices/outbox", "outbox", "发出的通知"),
    Shown("/notices/outbox/:id", "own-notice", "本单位的通知"),
    Shown("/notices/outbox/new", "draft", "起草通知：选择模板"),
    Shown("/notices/outbox/:id/edit", "compose", "起草通知"),
    Shown("/notices/outbox/:id/form", "form", "填报表单"),
    Shown("/notices/outbox/numbers", "numbers", "发文字号"),
    Shown("/notices/outbox/templates", "templates", "通知模板"),
    Shown("/notices/outbox/templates/:id", "template", "编辑模板"),
    Shown("/contacts", "contacts", "通讯录", query="?person={}"),
    Shown("/contacts/units/:id", "unit", "单位主页"),
    Shown("/contacts/groups", "groups", "通讯录分组"),
    Shown("/contacts/groups/:id", "group", "分组"),
    Shown("/search", "search", "搜索", query="?q=历下"),
    Shown("/help", "help", "帮助"),
    Shown("/help/:id", "article", "帮助文章"),
    Shown("/help/new", "article-new", "新建帮助文章", CENTRE),
    Shown("/help/:id/edit", "article-edit", "修改帮助文章", CENTRE),
    Shown("/help/:id/versions", "article-versions", "帮助文章的各个版本", CENTRE),
    Shown("/delegations", "delegations", "委托代办"),
    Shown("/administration", "administration", "组织管理"),
    Shown("/administration/units", "units", "单位管理"),
    Shown("/administration/people", "people", "人员管理"),
    Shown("/administration/people/:sub", "person", "人员"),
    Shown("/administration/invites", "invites", "邀请"),
    Shown("/administration/invite-batches", "invite-batches", "批量邀请"),
    Shown("/administration/invite-batches/:id", "invite-batch", "一份邀请名单"),
    Shown("/administration/requests", "requests", "审核：加入单位"),
    Shown("/administration/requests/entitlements", "requests-entitlements", "审核：系统授权"),
    Shown("/administration/requests/recoveries", "requests-recoveries", "审核：找回账号"),
    Shown("/administration/reviews", "reviews", "授权复核"),
    Shown("/administration/delegations", "unit-delegations", "单位的委托"),
    Shown("/administration/hand-overs", "hand-overs", "工作交接"),
    Shown("/administration/imports", "imports", "单位导入"),
    Shown("/administration/imports/:id", "import", "一次导入"),
    Shown("/administration/clients", "clients", "接入系统"),
    Shown("/administration/clients/:id", "client", "一个接入系统"),
    Shown("/administration/offices", "offices", "平台管理员", SECURITY),
    Shown("/administration/audit", "audit", "审计日志", AUDIT),
    Shown("/administration/audit/exports", "audit-exports", "审计日志的导出", AUDIT),
    Shown("/administration/audit/seals", "audit-seals", "审计日志的封存", AUDIT),
    Shown("/intake", "intake", "数据报送"),
    Shown("/intake/batches/:id", "batch", "一批数据"),
    Shown("/intake/inconsistencies", "inconsistencies", "数据不符", query="?year=2025"),
    Shown("/intake/feeds", "feeds", "数据格式", query="#award"),
    Shown("/cockpit/overview", "cockpit-overview", "资助概览"),
    Shown("/cockpit/hardship", "cockpit-hardship", "困难学生"),
    Shown("/cockpit/students", "cockpit-students", "资助学生"),
    Shown("/cockpit/funds", "cockpit-funds", "资助资金"),
    Shown("/cockpit/dictionary", "cockpit-dictionary", "指标字典"),
    Shown("/cockpit/feeds", "cockpit-feeds", "数据情况"),
    Shown("/cockpit/walls", "cockpit-walls", "大屏"),
    Shown("/cockpit/wall", "cockpit-wall", "大屏模式"),
    Shown("/wall", "display", "大屏（等待批准）", NOBODY),
    Shown("/activities", "activities", "活动（建设中）"),
    Shown("/submissions", "submissions", "投稿（建设中）"),
    Shown("/consultations", "consultations", "咨询（建设中）"),
    Shown("/complaints", "complaints", "投诉（建设中）"),
    Shown("/:rest(.*)*", "not-found", "页面不存在"),
)

served, cockpit_url, figures = test_cockpit.served, test_cockpit.cockpit_url, test_cockpit.figures


async def with_viewers(url: str) -> None:
    """World S; 济南 and people of its counties may see the cockpit."""
    people = [*worlds.centre_staff(), *worlds.world_s_people()]
    entitled = frozenset(phone_of(code) for code in (CITY, *COUNTIES[:3]))
    await filled(url, World(worlds.world_s(), people, entitled), founded=datetime.now(UTC) - SINCE)


@pytest.fixture
def world() -> "Migration":
    return with_viewers


async def faults_of(page: "Page") -> list[str]:
    """What axe finds on a page with content, and how far it is wider than the screen."""
    wider = await overflow(page)
    return [*([f"{wider} px wider than the screen"] if wider else []), *map(str, await serious_faults(page))]


async def photograph(page: "Page", screen: Screen) -> bytes:
    """The page as WebP, once it has loaded."""
    await page.locator("main h1, .wall h1, .display h1").first.wait_for()
    await expect(page.locator(".state.loading, [aria-busy=true], .chart:not(:has(canvas))")).to_have_count(0)
    # The QR code of a display is drawn later than the words.
    await expect(page.locator(".display-code:not(:has(img))")).to_have_count(0)
    # An address may lead to a place further down.
    await page.evaluate("window.scrollTo(0, 0)")
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


def row(shown: Shown) -> str:
    """A page in the table."""
    return f"| {shown.title} | `{shown.route}` | {image(shown, DESKTOP)} | {image(shown, PHONE)} |\n"


def write() -> None:
    """Write the table, and delete pictures of pages that are no more."""
    document = DOCS / "portal.md"
    before, _, rest = document.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "| Page | Address | Desktop | Telephone |\n| --- | --- | --- | --- |\n" + "".join(map(row, PAGES))
    document.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")
    names = {one.name for one in PAGES}
    for old in SHOTS.glob("*.webp"):
        if old.name.rpartition("-")[0] not in names:
            old.unlink()


async def test_screenshots(
    site: Site, figures: "FastAPI", new_page: NewPage, new_visitor: NewVisitor
) -> None:
    await appointed(site, new_visitor)
    # Tokens that are issued in the second of a change are refused.
    site.clock.advance(timedelta(seconds=2))
    viewers = {
        **{code: phone_of(code) for code in (CITY, CENTRE)},
        SECURITY: PLATFORM[PlatformRole.SECURITY_ADMIN][0],
        AUDIT: PLATFORM[PlatformRole.AUDIT_ADMIN][0],
    }
    pages = {name: await new_page(DESKTOP) for name in (*viewers, NOBODY)}
    # First: a code by SMS is sent once a minute, and visitors know how not to wait.
    for name, phone in viewers.items():
        await sign_in(pages[name], site, phone)
    assert set(await pages[CITY].evaluate(ROUTES)) == {one.route for one in PAGES}
    cast = Cast(site, new_visitor)
    ids = {
        **await scene_office.prepare(cast),
        **await scene_administration.prepare(cast),
        **await scene_cockpit.prepare(cast, figures),
    }
    SHOTS.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    for shown in (one for one in PAGES if not ONLY or one.name in ONLY):
        page = pages[shown.viewer]
        for screen in (DESKTOP, PHONE):
            await page.set_viewport_size({"width": screen.width, "height": screen.height})
            await page.goto(site.url + shown.address(ids))
            shot = await photograph(page, screen)
            await asyncio.to_thread((SHOTS / f"{shown.name}-{screen.name}.webp").write_bytes, shot)
            faults += [f"{shown.name}-{screen.name}: {one}" for one in await faults_of(page)]
    write()
    assert faults == []
