"""The cockpit's pages in Chromium over the BFF: who gets in, and that every place shows the same figures."""

import re
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from playwright.async_api import expect
from pydantic import AnyHttpUrl, SecretStr
from sqlalchemy import func, select, text

import cockpit.app
from cockpit.directory.models import Unit
from cockpit.feeds.declarations import FeedName
from cockpit.settings import Settings
from contracts.vocabulary import Role
from identity.bootstrap import World
from identity.units import worlds
from identity.units.rules import PersonSeed
from services.cockpit.tests.support.figures import file_of, row_of
from services.cockpit.tests.support.running_cockpit import migrate
from services.identity.tests.support.running_identity import filled
from testkit.browsers import PHONE, NewPage, Screen
from testkit.clock import FrozenClock, RunningClock
from testkit.pages import csrf_of
from testkit.plugin import DatabaseFactory
from testkit.serving import Served
from testkit.waiting import moments

from .conftest import NewVisitor, Site, Visitor
from .country import look_at_the_country
from .reporting import report, send_again_and_withdraw
from .support import judge, sign_in

if TYPE_CHECKING:
    from playwright.async_api import Page

    from testkit.postgres import Migration

pytestmark = pytest.mark.usefixtures("built")

PROVINCE, COUNTY = "19900009002", "19900009004"
SCHOOL, NUTRITION, NOBODY = "19900009005", "19900009006", "19900009007"
MINISTRY, CITY, UNIVERSITY = "19900000001", "19900009003", "19900009008"
UNITS = {"100000", "370000", "370100", "370102", "370103", "S3701020001", "S3701030001", "4132010284"}
APART = {"370200", "370202", "660000", "659001"}
"""青岛 and 兵团, each with one of its counties."""
PEOPLE = (
    PersonSeed(PROVINCE, "程知远", "370000", (Role.HANDLER, Role.UNIT_ADMIN)),
    PersonSeed(CITY, "苏明远", "370100", (Role.HANDLER,)),
    PersonSeed(COUNTY, "叶书衡", "370102", (Role.HANDLER,)),
    PersonSeed(SCHOOL, "沈若安", "S3701020001", (Role.HANDLER,)),
    PersonSeed(NUTRITION, "何思远", "N370102", (Role.HANDLER,)),
    PersonSeed(NOBODY, "顾长宁", "370102", (Role.HANDLER,)),
    PersonSeed(UNIVERSITY, "江予安", "4132010284", (Role.HANDLER,)),
)
WALL = Screen("wall", 1920, 1080)
PAGES = ("overview", "hardship", "students", "funds", "dictionary", "feeds", "walls", "wall")


async def with_viewers(url: str) -> None:
    """Two counties of 济南 with a school each, a university, and people who may see the cockpit or not."""
    units = [unit for unit in worlds.world_s() if unit.code in UNITS | APART]
    units.append(worlds.nutrition_office("370102"))
    # School, university and nutrition office are entitled, too: what they are keeps them out.
    entitled = frozenset({MINISTRY, PROVINCE, CITY, COUNTY, SCHOOL, UNIVERSITY, NUTRITION})
    await filled(url, World(units, [*worlds.centre_staff(), *PEOPLE], entitled))


@pytest.fixture
def world() -> "Migration":
    return with_viewers


@pytest.fixture
def clock() -> FrozenClock:
    return RunningClock()


@pytest.fixture
def served() -> Iterator[Served]:
    port = Served()
    yield port
    port.close()


@pytest.fixture
def cockpit_url(served: Served) -> str:
    return served.url


@pytest.fixture
async def figures(
    site: Site, served: Served, database_factory: DatabaseFactory, analytics_dsn: str
) -> AsyncIterator[FastAPI]:
    """Cockpit behind the portal."""
    app = cockpit.app.build(
        Settings(
            mode="dev",
            issuer=site.identity_url,
            database_url=await database_factory("cockpit", migrate),
            identity_url=AnyHttpUrl(site.identity_url),
            jwks_url=f"{site.identity_url}/jwks",
            client_id="cockpit",
            client_secret=SecretStr("c" * 40),
            analytics_dsn=analytics_dsn,
            analytics_database=f"test_{secrets.token_hex(6)}",
        ),
        bus=site.bus,
    )
    async with app.router.lifespan_context(app), served.running(app):
        yield app


def award(number: int, school: str, year: str, person: int, amount: str) -> dict[str, str]:
    return row_of(
        FeedName.AWARD,
        number,
        {
            "unit_code": school,
            "year": year,
            "person_token": f"person-{person:014d}",
            "amount": amount,
            "record_id": f"{school}-{year}-{number}",
        },
    )


def awards(*groups: tuple[str, str, range, str]) -> list[dict[str, str]]:
    """A row for each person of a school in a year."""
    return [
        award(number, school, year, person, amount)
        for school, year, people, amount in groups
        for number, person in enumerate(people)
    ]


OF_JINAN = awards(
    ("S3701020001", "2023", range(30), "500.00"),
    ("S3701020001", "2024", range(40), "625.00"),
    ("S3701030001", "2024", range(100, 124), "1000.00"),
)
"""Two years of two schools: 40 and 24 persons in 2024."""
OF_THE_COUNTRY: dict[FeedName, list[dict[str, str]]] = {
    FeedName.AWARD: [
        *OF_JINAN,
        *awards(
            ("370202", "2024", range(200, 220), "1000.00"),
            ("659001", "2023", range(300, 320), "300.00"),
            ("659001", "2024", range(300, 320), "400.00"),
        ),
    ],
    FeedName.FUND_FLOW: [
        row_of(
            FeedName.FUND_FLOW,
            number,
            {
                "unit_code": "370000",
                "flow_kind": kind,
                "amount": amount,
                "from_level": "中央",
                "to_level": "省级",
            },
        )
        for number, (kind, amount) in enumerate((("下达", "80000.00"), ("拨付", "60000.00")))
    ],
    FeedName.PAYMENT: [
        row_of(
            FeedName.PAYMENT,
            person,
            {
                "unit_code": "S3701020001",
                "person_token": f"person-{person:014d}",
                "amount": "1000.00",
                "state": "已发放",
            },
        )
        for person in range(30)
    ],
}


async def units_known(figures: FastAPI) -> None:
    """Wait until Cockpit has heard of all units."""
    async for _ in moments():
        async with figures.state.database.transaction() as session:
            if await session.scalar(select(func.count()).select_from(Unit)) == len(UNITS | APART) + 1:
                return
    raise AssertionError("Cockpit does not know the units")


async def loaded(person: Visitor) -> None:
    """Bring the facts of the country in through the portal."""
    me = (await person.call("GET", "/api/identity/v1/me")).json()
    for feed, rows in OF_THE_COUNTRY.items():
        path = f"/api/cockpit/v1/intake/batches?feed={feed}&source=t&unit={me['unit_id']}"
        headers = {"content-type": "text/csv; charset=utf-8", "idempotency-key": f"{feed}-of-the-test"}
        answer = await person.call("POST", path, content=file_of(rows).encode(), headers=headers)
        assert answer.status_code == 201, answer.text
        assert answer.json()["rejected"] == 0, answer.text


async def tile(page: "Page", name: str) -> str:
    """The exact value of a key figure."""
    shown = page.locator(".figure-tile", has=page.get_by_role("heading", name=name, exact=True)).locator(
        ".figure-main .figure"
    )
    return await shown.get_attribute("title") or ""


async def cell(page: "Page", unit: str, column: str) -> str:
    """The exact value of a cell of the table of units."""
    table = page.locator("table.children")
    names = [text.split()[0] for text in await table.locator("thead th").all_inner_texts()]
    row = table.get_by_role("row", name=unit)
    found = row.locator("td").nth(names.index(column) - 1).locator(".figure")
    return await found.get_attribute("title") or ""


async def test_a_province_drills_down_and_every_place_shows_the_same_figures(
    site: Site, figures: FastAPI, new_page: NewPage, new_visitor: NewVisitor
) -> None:
    province = new_visitor()
    await province.sign_in(PROVINCE)
    await units_known(figures)
    page = await new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    await sign_in(page, site, PROVINCE)
    assert not any("echarts" in address for address in sent), "charts are not in the first view"
    wrong = award(99, "S3701020001", "2024", 99, "0.00")
    await report(page, site, file_of([*OF_JINAN, wrong]), len(OF_JINAN))
    await send_again_and_withdraw(page, site, file_of([{**wrong, "amount": "5.00"}]))
    await page.get_by_role("link", name="数字驾驶舱").first.click()
    await page.get_by_role("heading", level=1, name="山东省 · 资助概览").wait_for()
    await page.locator(".map-main canvas").wait_for()
    assert await tile(page, "资助金额") == "49000.00"
    assert await cell(page, "合计", "资助金额") == "49000.00"
    assert await cell(page, "济南市", "资助金额") == "49000.00"
    scope = page.get_by_role("button", name="资助金额的口径", exact=True)
    await scope.focus()
    await expect(page.get_by_role("tooltip")).to_contain_text("逐笔资助记录统计")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("tooltip")).to_have_count(0)
    await judge(page, "province")

    # By the table, by the order beside the map, and back by the trail; all of it is in the address.
    await page.locator("table.children").get_by_role("link", name="济南市").click()
    await page.get_by_role("heading", level=1, name="济南市 · 资助概览").wait_for()
    assert await tile(page, "资助金额") == "49000.00"
    county = await cell(page, "历下区", "资助金额")
    assert county == "25000.00"
    await page.get_by_role("list", name="下级单位").get_by_role("link", name="历下区").click()
    await page.get_by_role("heading", level=1, name="历下区 · 资助概览").wait_for()
    assert await tile(page, "资助金额") == county
    await page.reload()
    await page.get_by_role("heading", level=1, name="历下区 · 资助概览").wait_for()
    await page.get_by_label("时期").select_option("2023")
    await expect(page.locator(".figure-tile .figure-main .figure").first).to_have_attribute(
        "title", "15000.00"
    )
    await page.get_by_role("navigation", name="所查的单位").get_by_role("link", name="济南市").click()
    await page.get_by_role("heading", level=1, name="济南市 · 资助概览").wait_for()

    async with page.expect_download() as given:
        await page.get_by_role("button", name="导出 CSV").click()
    assert (await given.value).suggested_filename.endswith(".csv")
    for path in PAGES:
        await page.goto(f"{site.url}/cockpit/{path}")
        await page.get_by_role("heading", level=1).wait_for()
        await expect(page.get_by_text("正在载入")).to_have_count(0)
        await judge(page, path)
    await a_display_is_allowed_and_stopped(site, page, await new_page(WALL), province, new_visitor())


async def decide(person: Visitor, user_code: str, decision: str) -> None:
    """Enter the code of a display at Identity's page for devices, and allow or deny it."""
    url = f"{person.site.identity_url}/device"
    form = {"csrf": csrf_of((await person.send("GET", url)).text), "user_code": user_code}
    question = await person.send("POST", url, data=form)
    assert "不含个体信息" in question.text, question.text
    form |= {"csrf": csrf_of(question.text), "decision": decision, "wall_name": "一楼大厅"}
    done = await person.send("POST", f"{url}/decision", data=form)
    assert done.status_code == 200, done.text


async def due(site: Site) -> None:
    """Let the interval pass after which the portal asks Identity about displays."""
    async with site.portal.state.database.transaction() as session:
        await session.execute(text("UPDATE wall_requests SET poll_at = poll_at - interval '1 minute'"))


async def a_display_is_allowed_and_stopped(
    site: Site, page: "Page", display: "Page", province: Visitor, other: Visitor
) -> None:
    """`other` is a display without a page; `page` is where a person stops the display."""
    # Identity is asked at its interval; who denied a display sees that it asks anew.
    begun = (await other.call("POST", "/bff/wall")).json()
    assert (begun["state"], (await other.call("GET", "/bff/wall")).json()["state"]) == ("pending", "pending")
    again = (await other.call("POST", "/bff/wall")).json()
    assert again["user_code"] == begun["user_code"]
    await decide(province, begun["user_code"], "deny")
    await due(site)
    states = [(await other.call("GET", "/bff/wall")).json()["state"] for _ in range(2)]
    assert states == ["denied", "none"]

    await display.clock.install()
    await display.goto(f"{site.url}/wall")
    code = display.locator(".display-number")
    await judge(display, "code")
    first = await code.inner_text()
    await display.reload()
    await expect(code).to_have_text(first)
    await decide(province, first, "allow")
    await due(site)
    await display.clock.fast_forward(5_000)
    await display.get_by_role("heading", level=1, name="山东省学生资助数字驾驶舱").wait_for()
    total = display.locator(".figure-main .figure").first
    await expect(total).to_have_attribute("title", "49000.00")

    # The tokens are at the server, and the session opens nothing else.
    calls = [
        ("GET", "/api/wall/cockpit/v1/views/overview"),
        ("POST", "/api/wall/cockpit/v1/views/overview"),
        ("GET", "/api/wall/cockpit/v1/walls"),
        ("GET", "/api/wall/identity/v1/me"),
        ("GET", "/api/cockpit/v1/views/overview"),
        ("GET", "/bff/sessions"),
    ]
    fetched = """calls => Promise.all(calls.map(([method, path]) =>
        fetch(path, {method, headers: {'x-csrf': '1'}}).then(answer => answer.status)))"""
    assert await display.evaluate(fetched, calls) == [200, 404, 404, 404, 401, 401]
    kept = {one["name"]: one for one in await display.context.cookies()}
    secret = kept.pop("__Host-Http-zhuxue-wall")
    assert (kept, secret["httpOnly"], secret["sameSite"]) == ({}, True, "Strict")
    other.cookies[site.url.removeprefix("http://")] = {"__Host-Http-zhuxue": secret["value"]}
    assert (await other.call("GET", "/api/cockpit/v1/views/overview")).status_code == 401

    # It turns, and keeps the last figures while there is no connection.
    await display.clock.fast_forward(30_000)
    await expect(display.locator(".wall-nav [aria-current]")).not_to_have_text("资助概览")
    await display.context.set_offline(True)
    await display.clock.fast_forward(30_000)
    await expect(display.locator(".wall-when")).to_contain_text(
        re.compile(r"数据截至 [\d-]+ [\d:]+\s*数据没有更新，正在重试")
    )
    await expect(total).to_be_visible()
    await display.context.set_offline(False)
    await display.clock.fast_forward(30_000)
    await expect(display.locator(".wall-when")).not_to_contain_text("数据没有更新")

    # Stopped at the page of walls, it asks to be allowed again by itself.
    await page.goto(f"{site.url}/cockpit/walls")
    await page.get_by_role("row", name="一楼大厅").get_by_role("button", name="停用").click()
    await page.get_by_role("dialog").get_by_role("button", name="停用").click()
    await expect(page.get_by_text("没有大屏。")).to_be_visible()
    async with site.portal.state.database.transaction() as session:
        # The cockpit may not know a display that was allowed just now.
        await session.execute(
            text("UPDATE sessions SET created_at = created_at - interval '3 minutes' WHERE sub IS NULL")
        )
    await display.clock.fast_forward(30_000)
    await code.wait_for()
    assert await code.inner_text() != first


async def test_only_aid_offices_that_are_authorised_enter_the_cockpit(
    site: Site, figures: FastAPI, new_page: NewPage, new_visitor: NewVisitor
) -> None:
    """Step 16 of the acceptance script, through the pages; the ministry looks at the whole country."""
    await units_known(figures)
    ministry = new_visitor()
    await ministry.sign_in(MINISTRY)
    await loaded(ministry)
    for phone, place in ((COUNTY, "历下区"), (CITY, "济南市"), (PROVINCE, "山东省"), (MINISTRY, "全国")):
        page = await new_page()
        await sign_in(page, site, phone, "/cockpit/overview")
        await page.get_by_role("heading", level=1, name=f"{place} · 资助概览").wait_for()
        await expect(page.get_by_role("heading", level=3, name="资助金额", exact=True)).to_be_visible()
    await look_at_the_country(page, site)
    for phone, code in (
        (SCHOOL, "level_not_admitted"),
        (UNIVERSITY, "level_not_admitted"),
        (NUTRITION, "kind_not_admitted"),
        (NOBODY, "entitlement_required"),
    ):
        page = await new_page(PHONE)
        async with page.expect_response(lambda answer: "/views/overview" in answer.url) as answered:
            await sign_in(page, site, phone, "/cockpit/overview")
        refused = await answered.value
        assert (refused.status, (await refused.json())["code"]) == (403, code)
        await expect(page.get_by_role("alert")).to_contain_text("您没有查看此页的权限")
    await judge(page, "refused")
    await page.get_by_role("button", name="菜单").click()
    await expect(
        page.get_by_role("navigation", name="主导航").get_by_role("link", name="数字驾驶舱")
    ).to_have_count(0)
