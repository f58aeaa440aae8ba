"""Every page of the portal while it loads, fails, is refused, and as it is: by axe, width and keys."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect
from playwright.async_api import TimeoutError as Missing

from testkit.browsers import DESKTOP, PHONE, NewPage, Screen, overflow, serious_faults

from .conftest import COUNTY_ADMIN, Site
from .support import sign_in
from .walking import try_dialogs, walk

pytestmark = pytest.mark.usefixtures("built")

NOTHING = str(UUID(int=1))
"""The id of nothing: these pages say so."""
ADDRESSES = {"/search": "/search?q=历下", "/:rest(.*)*": "/nowhere"}
OPEN = frozenset({"/sign-in", "/wall"})
"""Of people without a session, and of displays: `test_pages`, `test_cockpit`."""
SILENT = frozenset(
    {"/activities", "/submissions", "/consultations", "/complaints", "/:rest(.*)*", "/help/new"}
)
"""They show nothing that could be late, fail or be refused."""
MARK = "系统暂时出现问题"
_ROUTER = "document.getElementById('app').__vue_app__.config.globalProperties.$router"
ROUTES = f"{_ROUTER}.getRoutes().filter((one) => !one.redirect).map((one) => one.path)"
# By way of another page, so that the page begins anew.
_GO = f"async (path) => {{ await {_ROUTER}.push('/nowhere'); await {_ROUTER}.push(path) }}"
_RETRY = """() => {
  const all = [...document.querySelectorAll('#main button')].filter((one) => one.innerText === '重试');
  all.forEach((one) => one.click());
  return all.length;
}"""


def problem(status: int, title: str, detail: str) -> dict[str, Any]:
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail, "code": "of_the_test"}
    content = json.dumps({**body, "correlation_id": "0af7651916cd43dd8448eb211c80319c"})
    return {"status": status, "body": content, "content_type": "application/problem+json"}


PROBLEMS = {
    "broken": problem(500, "服务内部错误", f"{MARK}，请稍后重试。"),
    "refused": problem(403, "没有权限", "您所在的单位不能查看此内容。"),
}


@dataclass
class Answers:
    """What becomes of the calls of a page."""

    how: str = "real"
    held: list[Route] = field(default_factory=list)

    async def __call__(self, route: Route) -> None:
        """Answer one call, or keep it until `become`."""
        if "/stream" in route.request.url:
            await route.continue_()
        elif self.how == "late":
            self.held.append(route)
        else:
            await self._answer(route)

    async def become(self, how: str) -> None:
        """From now on, and for the calls that are held back."""
        self.how = how
        held, self.held = self.held, []
        for route in held:
            await self._answer(route)

    async def _answer(self, route: Route) -> None:
        if self.how == "real":
            await route.continue_()
        elif self.how == "lost":
            await route.abort("internetdisconnected")
        else:
            await route.fulfill(**PROBLEMS[self.how])


class Judging:
    """Takes pages through their states, and notes what is wrong."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._main = page.locator("#main")
        self._answers = Answers()
        self._where = ""
        self.faults: list[str] = []
        self.dialogs = 0

    async def begin(self) -> list[str]:
        """Take the calls of the page; return its routes."""
        await self._page.route("**/api/**", self._answers)
        routes: list[str] = await self._page.evaluate(ROUTES)
        return routes

    def _note(self, *found: str) -> None:
        self.faults += [f"{self._where} {self._answers.how}: {one}" for one in found]

    async def _screen(self, screen: Screen) -> None:
        await self._page.set_viewport_size({"width": screen.width, "height": screen.height})

    async def _judge(self, *, width_only: bool = False) -> None:
        if not width_only:
            self._note(*await serious_faults(self._page, "'#main'"))
        if wider := await overflow(self._page):
            self._note(f"{wider} px too wide")
        if not await self._main.locator("h1").count():
            self._note("no heading")

    async def _settled(self) -> None:
        await expect(self._main.locator(".state.loading, [aria-busy=true]")).to_have_count(0)

    async def _says(self, text: str, way_on: str) -> None:
        """The page says what is wrong and leads on."""
        try:
            await self._main.get_by_role("alert").filter(has_text=text).first.wait_for(timeout=20_000)
        except Missing:
            self._note(f"does not say {text}")
            return
        await self._settled()
        if self._where != "/" and not await self._main.get_by_text(way_on, exact=True).count():
            self._note(f"no {way_on}")

    async def judge(self, route: str) -> None:
        """Late, broken, without a network, as it is, and refused; on a telephone, and as it is on both."""
        page, answers, self._where = self._page, self._answers, route
        address = ADDRESSES.get(route, route.replace(":id", NOTHING).replace(":sub", NOTHING))
        await self._screen(PHONE)
        if route in SILENT:
            answers.how = "real"
            await page.evaluate(_GO, address)
        else:
            answers.how = "late"
            await page.evaluate(_GO, address)
            try:
                await self._main.get_by_text("正在载入").first.wait_for(timeout=20_000)
            except Missing:
                self._note("does not say that it loads")
            await self._judge()
            await answers.become("broken")
            await self._says(MARK, "重试")
            await self._judge()
            answers.how = "lost"
            await page.evaluate(_RETRY)
            await self._says("没有连上服务器", "重试")
            answers.how = "real"
            await page.evaluate(_RETRY)
            await self._settled()
        await self._judge(width_only=True)
        await self._screen(DESKTOP)
        await self._judge()
        self._note(*await walk(page))
        answers.how = "refused"
        opened, found = await try_dialogs(page)
        self.dialogs += opened
        self._note(*found)
        if route not in SILENT:
            await page.evaluate(_GO, address)
            await self._says("您没有查看此页的权限", "回到首页")
            await self._judge()


async def test_every_page_is_accessible_fits_and_leads_on_in_each_of_its_states(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    await sign_in(page, site, COUNTY_ADMIN)
    await page.evaluate("window.print = () => undefined")
    # The frame, too: on the other pages only their content.
    assert await walk(page, "body") == []
    judging = Judging(page)
    routes = set(await judging.begin()) - OPEN
    assert routes > SILENT
    for route in sorted(routes):
        await judging.judge(route)
    assert judging.dialogs, "no button opens a dialog"
    assert judging.faults == [], "\n".join(judging.faults)
    await page.unroute("**/api/**")
    await page.set_viewport_size({"width": PHONE.width, "height": PHONE.height})
    await page.goto(f"{site.url}/tasks")
    filters = page.get_by_role("search", name="筛选条件")
    await expect(filters).to_be_hidden()
    await page.get_by_role("button", name="筛选").click()
    await expect(filters).to_be_visible()
