"""A city's administrator at the portal's pages: units are split, moved, merged, closed and imported."""

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from contracts.vocabulary import Role
from services.identity.tests.unit_imports.test_import_files import csv_of, school
from testkit.browsers import PATIENCE, NewPage, press, tab_to

from .conftest import Site
from .support import judge, phone_of, sign_in
from .test_receiving import with_two_counties

if TYPE_CHECKING:
    from playwright.async_api import FilePayload, Locator, Page

    from testkit.postgres import Migration

pytestmark = pytest.mark.usefixtures("built")

COUNTY, BESIDE, NEW = "历下区学生资助管理中心", "市中区学生资助管理中心", "历下新区学生资助管理中心"
SCHOOL = "济南市历下区助学中学"
PREVIEW, CHECKED = "下一步：查看影响", "我已核对以上内容"


@pytest.fixture
def world() -> "Migration":
    return with_two_counties


async def choose(page: "Page", unit: str) -> None:
    """Find a unit by its name and open its page."""
    await page.get_by_label("查找单位").fill(unit)
    await page.get_by_role("list", name="查找结果").get_by_role("button", name=unit).click()
    await page.get_by_role("heading", level=2, name=unit).wait_for()


async def begin(page: "Page", act: str) -> "Locator":
    """Open the dialog of a change."""
    await page.get_by_role("group", name="变更").get_by_role("button", name=act).click()
    dialog = page.get_by_role("dialog", name=act)
    await dialog.get_by_label("原因").fill("区划调整")
    return dialog


async def confirm(page: "Page", act: str, *effects: str) -> None:
    """Look at what a change does, and confirm it; the page says what was done."""
    dialog = page.get_by_role("dialog", name=act)
    await dialog.get_by_role("button", name=PREVIEW).click()
    await expect(dialog.get_by_role("heading", name="变更前请核对")).to_be_focused()
    go = dialog.get_by_role("button", name=act)
    for effect in effects:
        await expect(dialog.get_by_role("listitem").filter(has_text=effect)).to_be_visible()
    await expect(go).to_be_disabled()
    await judge(page, f"preview: {act}")
    await dialog.get_by_label(CHECKED).check()
    await go.click()
    await expect(page.get_by_role("status").filter(has_text=f"已办理{act}")).to_be_focused()


async def reorganise(page: "Page") -> None:
    """A county is split, its school goes to another one, and what is left of it is merged."""
    await choose(page, COUNTY)
    dialog = await begin(page, "分设单位")
    await dialog.get_by_label("名称").fill(NEW)
    await dialog.get_by_label("代码", exact=False).first.fill("370190")
    await dialog.get_by_label(SCHOOL).check()
    await judge(page, "split")
    await confirm(page, "分设单位", f"1 个直接下级单位连同其下级划入{NEW}")
    await page.get_by_role("heading", level=2, name=NEW).wait_for()
    await judge(page, "new unit")

    await choose(page, SCHOOL)
    await expect(page.get_by_text(f"› {NEW}")).to_be_visible()
    dialog = await begin(page, "变更隶属关系")
    await dialog.get_by_label("新的上级单位").click()
    await dialog.get_by_role("button", name=BESIDE).click()
    await judge(page, "move")
    await confirm(page, "变更隶属关系", "连同本单位共 1 个单位的隶属关系一并变更")
    await expect(page.get_by_text(f"› {BESIDE}")).to_be_visible()

    await choose(page, NEW)
    dialog = await begin(page, "并入其他单位")
    await dialog.get_by_label("并入的单位").click()
    await dialog.get_by_role("button", name=COUNTY).click()
    await confirm(page, "并入其他单位", f"{NEW}撤销，代码保留")
    await expect(page.get_by_role("heading", level=2, name=NEW)).to_be_visible()
    await expect(page.get_by_role("group", name="变更")).to_have_count(0)


async def close_by_keyboard(page: "Page") -> None:
    """A county with a school is not closed; the school is, and its history says so."""
    await choose(page, BESIDE)
    dialog = await begin(page, "撤销单位")
    await dialog.get_by_role("button", name=PREVIEW).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("还有 2 个正常状态的下级单位")
    await dialog.get_by_label(CHECKED).check()
    await expect(dialog.get_by_role("button", name="撤销单位")).to_be_disabled()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="撤销单位")).to_be_focused()
    await choose(page, SCHOOL)
    await press(page, "撤销单位")
    dialog = page.get_by_role("dialog", name="撤销单位")
    await dialog.wait_for()
    await tab_to(page, "原因\n必填")
    await page.keyboard.type("学校合并")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("heading", name="变更前请核对")).to_be_focused()
    await tab_to(page, CHECKED)
    await page.keyboard.press("Space")
    await press(page, "撤销单位")
    await expect(page.get_by_role("status").filter(has_text="已办理撤销单位")).to_be_focused()
    await page.get_by_role("button", name="沿革").click()
    await expect(page.get_by_role("listitem").filter(has_text="学校合并")).to_contain_text("撤销")
    await judge(page, "history")


async def import_units(page: "Page", site: Site) -> None:
    """A table is checked without a change, read row by row, and imported without its wrong row."""
    await page.goto(f"{site.url}/administration/imports")
    await page.get_by_role("button", name="上传表格").click()
    dialog = page.get_by_role("dialog", name="上传表格")
    content = csv_of(school(9001), school(9002, level="局"))
    file: FilePayload = {"name": "新建学校.csv", "mimeType": "text/csv", "buffer": content}
    await dialog.get_by_label("文件").set_input_files(file)
    await dialog.get_by_label("变更原因").fill("年度核对")
    await judge(page, "upload")
    await dialog.get_by_role("button", name="上传表格").click()
    await page.get_by_role("heading", level=1, name="新建学校.csv").wait_for()
    rows = page.get_by_role("table", name="各行结果").get_by_role("row")
    await expect(rows).to_have_count(1 + 2, timeout=PATIENCE * 1000)
    await expect(rows.filter(has_text="S3701029001")).to_contain_text("新增")
    await expect(rows.filter(has_text="S3701029002")).to_contain_text("“层级”局 不正确")
    await judge(page, "dry run")
    await page.get_by_role("button", name="确认导入").click()
    dialog = page.get_by_role("dialog", name="确认导入")
    await expect(dialog).to_contain_text("将新增 1 个单位，变更 0 个单位")
    await dialog.get_by_label("跳过有错误的 1 行").check()
    await judge(page, "apply")
    await dialog.get_by_role("button", name="确认导入").click()
    await expect(rows.filter(has_text="S3701029001")).to_contain_text("已导入", timeout=PATIENCE * 1000)
    await expect(page.get_by_role("button", name="确认导入")).to_have_count(0)
    async with page.expect_download() as given:
        await page.get_by_role("button", name="下载全部结果").click()
    assert (await given.value).suggested_filename == "新建学校-导入结果.csv"
    await judge(page, "imported")
    await page.goto(f"{site.url}/administration/imports")
    await expect(page.get_by_role("row").filter(has_text="新建学校.csv")).to_contain_text("年度核对")
    await judge(page, "imports")


async def test_a_city_reorganises_the_units_below_and_imports_others(site: Site, new_page: NewPage) -> None:
    page = await new_page()
    await sign_in(page, site, phone_of("370100", Role.UNIT_ADMIN), "/administration/units")
    await reorganise(page)
    await close_by_keyboard(page)
    await import_units(page, site)
