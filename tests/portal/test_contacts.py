"""Somebody looks people up, keeps, groups and exports them, and reads help: Chromium over the BFF."""

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from contracts.vocabulary import Role
from identity.units import worlds
from testkit.browsers import PATIENCE, PHONE, NewPage

from .conftest import COUNTY_ADMIN, NewVisitor, Site
from .support import judge, phone_of, sign_in

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.usefixtures("built")

CITY, COUNTY = "济南市学生资助管理中心", "历下区学生资助管理中心"
GROUP, NEW_NAME = "市级同事", "市级联系人"
ARTICLE = "如何签收通知"


def name_in(unit_code: str) -> str:
    """The first person of a unit in the alphabet of the address book."""
    return min(person.name for person in worlds.world_s_people() if person.unit_code == unit_code)


async def helped(new_visitor: NewVisitor) -> str:
    """An article of the centre in two versions; its id."""
    centre = new_visitor()
    await centre.sign_in(phone_of("100000", Role.UNIT_ADMIN))
    article = {"title": ARTICLE, "category": "通知", "body": "<p>打开通知，点击“签收”。</p>"}
    made = await centre.call("POST", "/api/office/v1/help-articles", json=article)
    assert made.status_code == 201, made.text
    changed = await centre.call(
        "PUT",
        f"/api/office/v1/help-articles/{made.json()['id']}",
        json={**article, "body": "<p>打开通知，阅读后点击“签收”。</p>"},
        headers={"if-match": made.headers["etag"]},
    )
    assert changed.status_code == 200, changed.text
    return str(made.json()["id"])


async def find_keep_and_group(page: "Page", person: str) -> None:
    await page.get_by_role("link", name="通讯录", exact=True).first.click()
    await page.get_by_role("region", name="单位和常用联系人").get_by_role("button", name=CITY).click()
    people = page.get_by_role("list", name=f"{CITY}的人员")
    await people.get_by_role("button", name=person).click()
    card = page.get_by_role("region", name="名片")
    await card.get_by_role("heading", name=person).wait_for()
    await expect(card).to_contain_text("****")
    await judge(page, "card")
    await card.get_by_role("button", name="加入常用").click()
    await card.get_by_role("button", name="移出常用").wait_for()
    await card.get_by_role("button", name="加入分组").click()
    await page.get_by_label("新建分组").fill(GROUP)
    await page.get_by_role("button", name="新建", exact=True).click()
    await card.get_by_text(f"已加入分组“{GROUP}”").wait_for()
    await page.reload()
    await page.get_by_role("button", name="常用 1").click()
    await card.get_by_role("button", name="移出常用").click()
    await page.get_by_role("status").filter(has_text=f"已将{person}移出常用").get_by_role("button").click()
    await page.get_by_role("list", name="常用").get_by_role("button", name=person).wait_for()


async def change_the_group(page: "Page", person: str) -> None:
    await page.get_by_role("link", name="分组", exact=True).click()
    await page.get_by_role("link", name=GROUP).click()
    await page.get_by_role("heading", level=1, name=GROUP).wait_for()
    await page.get_by_role("button", name="改名").click()
    await page.get_by_role("textbox", name="名称").fill(NEW_NAME)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name=NEW_NAME).wait_for()
    await page.get_by_role("button", name=f"移除{person}").click()
    await page.get_by_text("分组中还没有成员").wait_for()
    await page.get_by_role("button", name="撤销").click()
    await page.get_by_role("link", name=person).wait_for()
    await judge(page, "group")


async def ask_for_a_number(page: "Page", site: Site) -> None:
    """The complete number takes a stronger sign-in; the reason is kept over it."""
    await page.get_by_role("button", name="查看完整手机号").click()
    await page.get_by_label("事由").fill("核对材料")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="需要进一步验证身份").wait_for()
    # What is typed is kept when the page is left, at the latest.
    address = page.url
    await page.get_by_role("button", name="前往验证").click()
    await page.wait_for_url(f"{site.identity_url}/**")
    await page.goto(address)
    await page.get_by_role("list", name=f"{COUNTY}的人员").get_by_role("button").first.click()
    await page.get_by_role("button", name="查看完整手机号").click()
    await expect(page.get_by_label("事由")).to_have_value("核对材料")


async def find_on_a_phone(page: "Page", site: Site) -> None:
    await page.set_viewport_size({"width": PHONE.width, "height": PHONE.height})
    await page.goto(site.url)
    await page.get_by_role("combobox", name="搜索单位、人员和通知").fill("济南")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name="“济南”的搜索结果").wait_for()
    await judge(page, "results")
    await page.goto(f"{site.url}/contacts?q={CITY}")
    await page.get_by_role("list", name=f"“{CITY}”的查找结果").get_by_role("button").first.click()
    await expect(page.get_by_role("region", name="名片")).to_be_focused()
    await judge(page, "card on a phone")


async def test_somebody_finds_keeps_groups_and_exports_people(
    site: Site, new_page: NewPage, new_visitor: NewVisitor
) -> None:
    article = await helped(new_visitor)
    page = await new_page()
    await sign_in(page, site, COUNTY_ADMIN)
    person = name_in("370100")
    await find_keep_and_group(page, person)
    await change_the_group(page, person)
    # By keyboard from anywhere: a unit by its initials.
    box = page.get_by_role("combobox", name="搜索单位、人员和通知")
    await box.fill("lxq")
    await page.get_by_role("option", name=COUNTY).wait_for()
    await judge(page, "suggestions")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name=COUNTY).wait_for()
    await judge(page, "unit")
    await page.get_by_role("button", name="导出", exact=True).click()
    await page.get_by_label("电子名片").check()
    await page.get_by_role("button", name="开始导出").click()
    async with page.expect_download(timeout=PATIENCE * 1000) as downloading:
        await page.get_by_role("button", name="下载文件").click()
    assert (await downloading.value).suggested_filename == f"通讯录-{COUNTY}.vcf"
    await page.keyboard.press("Escape")
    await page.goto(f"{site.url}/help")
    await page.get_by_role("link", name=ARTICLE).click()
    await page.get_by_text("阅读后点击").wait_for()
    await page.goto(f"{site.url}/help/{article}/versions?version=1")
    await page.get_by_role("article").get_by_text("打开通知，点击").wait_for()
    await judge(page, "versions")
    await find_on_a_phone(page, site)
    await page.goto(f"{site.url}/contacts")
    await page.get_by_role("list", name=f"{COUNTY}的人员").get_by_role("button").first.click()
    await ask_for_a_number(page, site)
