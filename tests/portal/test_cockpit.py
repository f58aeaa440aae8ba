"""The cockpit's pages in Chromium over the BFF: who gets in, and that every place shows the same figures."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect
from pydantic import AnyHttpUrl, SecretStr

import cockpit.app
from cockpit.feeds.declarations import FeedName
from cockpit.settings import Settings
from contracts.vocabulary import Role
from identity.bootstrap import World
from identity.units import worlds
from identity.units.rules import PersonSeed
from services.cockpit.tests.support.figures import file_of, row_of
from services.cockpit.tests.support.running_cockpit import migrate
from services.identity.tests.support.running_identity import filled
from testkit.browsers import PATIENCE, PHONE, NewPage
from testkit.clock import FrozenClock, RunningClock
from testkit.plugin import DatabaseFactory
from testkit.serving import Served

from .conftest import NewVisitor, Site, Visitor
from .support import judge, sign_in

if TYPE_CHECKING:
    from playwright.async_api import Page

    from testkit.postgres import Migration

pytestmark = pytest.mark.usefixtures("built")

PROVINCE, COUNTY = "19900009002", "19900009004"
SCHOOL, NUTRITION, NOBODY = "19900009005", "19900009006", "19900009007"
UNITS = {"100000", "370000", "370100", "370102", "370103", "S3701020001", "S3701030001"}
PEOPLE = (
    PersonSeed(PROVINCE, "程知远", "370000", (Role.HANDLER, Role.UNIT_ADMIN)),
    PersonSeed(COUNTY, "叶书衡", "370102", (Role.HANDLER,)),
    PersonSeed(SCHOOL, "沈若安", "S3701020001", (Role.HANDLER,)),
    PersonSeed(NUTRITION, "何思远", "N370102", (Role.HANDLER,)),
    PersonSeed(NOBODY, "顾长宁", "370102", (Role.HANDLER,)),
)
PAGES = ("overview", "hardship", "students", "funds", "dictionary", "feeds", "walls", "wall")


async def with_viewers(url: str) -> None:
    """Two counties of 济南 with a school each, and people who may see the cockpit or not."""
    units = [unit for unit in worlds.world_s() if unit.code in UNITS]
    units.append(worlds.nutrition_office("370102"))
    # The school and the nutrition office are entitled, too: their kind keeps them out.
    entitled = frozenset({PROVINCE, COUNTY, SCHOOL, NUTRITION})
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
) -> AsyncIterator[None]:
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
        yield


def awards() -> str:
    """Two years of two schools: 40 and 24 persons in 2024."""
    rows = [
        row_of(
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
        for school, year, people, amount in (
            ("S3701020001", "2023", range(30), "500.00"),
            ("S3701020001", "2024", range(40), "625.00"),
            ("S3701030001", "2024", range(100, 124), "1000.00"),
        )
        for number, person in enumerate(people)
    ]
    return file_of(rows)


async def loaded(person: Visitor) -> None:
    """Bring the facts in through the portal, once Cockpit knows the units."""
    me = (await person.call("GET", "/api/identity/v1/me")).json()
    path = f"/api/cockpit/v1/intake/batches?feed=award&source=t&unit={me['unit_id']}"
    headers = {"content-type": "text/csv; charset=utf-8", "idempotency-key": "awards-of-the-test"}
    async with asyncio.timeout(PATIENCE):
        answer = await person.call("POST", path, content=awards().encode(), headers=headers)
        while answer.json().get("code") == "unit_not_replicated":
            await asyncio.sleep(0.1)
            answer = await person.call("POST", path, content=awards().encode(), headers=headers)
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
    site: Site, figures: None, new_page: NewPage, new_visitor: NewVisitor
) -> None:
    province = new_visitor()
    await province.sign_in(PROVINCE)
    await loaded(province)
    page = await new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    await sign_in(page, site, PROVINCE)
    assert not any("echarts" in address for address in sent), "charts are not in the first view"
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


async def test_only_aid_offices_that_are_authorised_enter_the_cockpit(
    site: Site, figures: None, new_page: NewPage, new_visitor: NewVisitor
) -> None:
    for phone, code in (
        (SCHOOL, "level_not_admitted"),
        (NUTRITION, "kind_not_admitted"),
        (NOBODY, "entitlement_required"),
    ):
        refused = new_visitor()
        await refused.sign_in(phone)
        answer = await refused.call("GET", "/api/cockpit/v1/views/overview")
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    page = await new_page(PHONE)
    await sign_in(page, site, NOBODY)
    await page.get_by_role("button", name="菜单").click()
    await expect(
        page.get_by_role("navigation", name="主导航").get_by_role("link", name="数字驾驶舱")
    ).to_have_count(0)
    await page.goto(f"{site.url}/cockpit/overview")
    await expect(page.get_by_role("alert")).to_contain_text("您没有查看此页的权限")
    await judge(page, "refused")
