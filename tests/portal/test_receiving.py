"""A notice on its way: who has it, who holds it up, who answers. People in Chromium over the BFF."""

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from identity import bootstrap
from identity.units import worlds
from services.identity.tests.support.running_identity import filled
from testkit.browsers import DESKTOP, PATIENCE, PHONE, NewPage, overflow
from testkit.waiting import moments

from .conftest import NewVisitor, Site, Visitor
from .interruptions import lose_the_line, lose_the_session
from .support import judge, phone_of, sign_in

if TYPE_CHECKING:
    from playwright.async_api import FilePayload, Page

    from testkit.postgres import Migration

pytestmark = pytest.mark.usefixtures("built")

TITLE = "关于报送春季学期资助人数的通知"
CITY, COUNTY, OTHER = "370100", "370102", "370103"
SCHOOLS = ("S3701020001", "S3701020002", "S3701030001")
FIELDS: list[dict[str, Any]] = [
    {"key": "students", "label": "受助学生人数", "type": "number", "required": True, "unit": "人"},
    {"key": "way", "label": "发放方式", "type": "choice", "options": ["银行卡", "饭卡"]},
    {"key": "proof", "label": "证明材料", "type": "attachment", "max_files": 2},
    {
        "key": "staff",
        "label": "经办人员",
        "type": "table",
        "columns": [{"key": "name", "label": "姓名", "type": "text", "required": True}],
    },
]


async def with_two_counties(url: str) -> None:
    """济南 with two of its counties and three of their schools."""
    codes = {"100000", "370000", CITY, COUNTY, OTHER, *SCHOOLS}
    everybody = [*worlds.centre_staff(), *worlds.world_s_people()]
    await filled(
        url,
        bootstrap.World(
            [unit for unit in worlds.world_s() if unit.code in codes],
            [person for person in everybody if person.unit_code in codes],
            frozenset(),
        ),
    )


@pytest.fixture
def world() -> "Migration":
    return with_two_counties


async def done(answer: Any) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


async def drafted(city: Visitor) -> str:
    """A draft of the city to its counties, which forward it."""
    draft = {"title": TITLE, "body": "<p>请按时报送。</p>", "recipients": {"reach": "children"}}
    async with asyncio.timeout(PATIENCE):
        # Office learns of the units by events.
        answer = await city.call("POST", "/api/office/v1/notices", json=draft)
        while answer.status_code != 201:
            await asyncio.sleep(0.1)
            answer = await city.call("POST", "/api/office/v1/notices", json=draft)
    return str(answer.json()["id"])


async def asked(page: "Page", site: Site, notice: str) -> None:
    """Make the form of `FIELDS` on its page."""
    await page.goto(f"{site.url}/notices/outbox/{notice}/edit")
    await page.get_by_role("link", name="设置答复表单").click()
    form = page.get_by_role("group", name="表单内容")
    await form.get_by_role("button", name="添加一项：附件").click()
    await form.get_by_label("名称").fill("证明材料")
    await form.get_by_label("最多文件数").fill("2")
    await form.get_by_role("button", name="添加一项：数字").click()
    await form.get_by_label("名称").fill("受助学生人数")
    await form.get_by_label("计量单位").fill("人")
    await form.get_by_role("checkbox", name="必填").check()
    await form.get_by_role("button", name="添加一项：单选").click()
    await form.get_by_label("名称").fill("发放方式")
    await form.get_by_label("选项").fill("银行卡\n饭卡")
    # The attachments follow: once by the mouse, once by a key.
    handle = form.get_by_role("button", name="移动第 1 项“证明材料”")
    await handle.hover()
    below = await form.get_by_role("listitem").nth(1).bounding_box()
    assert below is not None
    await page.mouse.down()
    await page.mouse.move(below["x"] + 10, below["y"] + below["height"] - 2, steps=3)
    await page.mouse.up()
    await expect(form.get_by_role("button", name="移动第 2 项“证明材料”")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(form.get_by_role("button", name="移动第 3 项“证明材料”")).to_be_focused()
    await form.get_by_role("button", name="添加一项：表格").click()
    await form.get_by_label("名称").fill("经办人员")
    columns = form.get_by_role("group", name="表格的列").last
    await columns.get_by_role("button", name="（未填写名称）").click()
    await columns.get_by_label("名称").fill("姓名")
    await columns.get_by_role("checkbox", name="必填").check()
    await expect(page.get_by_role("status").filter(has_text="已自动保存")).to_be_visible()
    preview = page.get_by_role("region", name="收文单位看到的样子")
    await expect(preview.get_by_label("发放方式")).to_contain_text("饭卡")
    await judge(page, "form")
    await page.set_viewport_size({"width": PHONE.width, "height": PHONE.height})
    await judge(page, "form on a phone")
    await page.set_viewport_size({"width": DESKTOP.width, "height": DESKTOP.height})
    await page.get_by_role("button", name="完成").click()
    await expect(page.get_by_text("共 4 项，其中必填 1 项")).to_be_visible()


async def publish(city: Visitor, notice: str) -> None:
    """Send it."""
    await done(await city.call("POST", "/api/office/v1/number-series", json={"prefix": "济教助"}))
    key = {"idempotency-key": str(uuid4())}
    await done(await city.call("POST", f"/api/office/v1/notices/{notice}/publish", json={}, headers=key))


async def by_the_map(page: "Page") -> None:
    """Open the map of a city whose first county keeps the notice, and go down to that by the keyboard."""
    await page.get_by_role("group", name="显示方式").get_by_role("link", name="地图").click()
    await page.locator(".map-main canvas").wait_for()
    await expect(page.get_by_role("figure")).to_contain_text("审图号")
    units = page.get_by_role("list", name="下级单位").get_by_role("listitem")
    await expect(units.first).to_contain_text("历下区")
    await expect(units.first).to_contain_text("未转发")
    await expect(units.last).to_contain_text("100%")
    await judge(page, "map")
    await page.set_viewport_size({"width": PHONE.width, "height": PHONE.height})
    async for _ in moments():
        # The map is drawn again in its new size.
        if await overflow(page) == 0:
            break
    await judge(page, "map on a phone")
    await page.set_viewport_size({"width": DESKTOP.width, "height": DESKTOP.height})
    await units.first.get_by_role("link").focus()
    await page.keyboard.press("Enter")


async def test_a_county_withholds_a_notice_is_reminded_and_all_schools_sign(
    site: Site, new_page: NewPage, new_visitor: NewVisitor
) -> None:
    people = {code: new_visitor() for code in (CITY, OTHER, *SCHOOLS)}
    for code, one in people.items():
        await one.sign_in(phone_of(code))
    notice = await drafted(people[CITY])
    city = await new_page(DESKTOP)
    await sign_in(city, site, phone_of(CITY))
    await asked(city, site, notice)
    form = await done(await people[CITY].call("GET", f"/api/office/v1/notices/{notice}/form"))
    assert [one["label"] for one in form["fields"]] == [one["label"] for one in FIELDS]
    await publish(people[CITY], notice)
    path = f"/api/office/v1/notices/{notice}"

    async def post(code: str, what: str, **body: Any) -> None:
        key = {"idempotency-key": str(uuid4())}
        await done(await people[code].call("POST", f"{path}/{what}", json=body, headers=key))

    await post(OTHER, "forward")
    await post(OTHER, "sign")
    await post(SCHOOLS[2], "sign")
    await city.goto(f"{site.url}/notices/{notice}/coverage")
    figures = city.get_by_role("region", name="办理情况")
    await expect(figures.get_by_role("listitem").filter(has_text="已签收")).to_contain_text("2 / 5")
    blockers = city.get_by_role("region", name="未转发的单位")
    await expect(blockers).to_contain_text("致使 2 个单位收不到通知")
    await expect(blockers).to_contain_text("历下区学生资助管理中心")
    await judge(city, "coverage")
    await blockers.get_by_role("button", name="历下区学生资助管理中心的联系方式").click()
    dialog = city.get_by_role("dialog", name="历下区学生资助管理中心的联系方式")
    await expect(dialog.get_by_role("list", name="联系人").get_by_role("listitem").first).to_be_visible()
    await judge(city, "contact")
    await city.keyboard.press("Escape")
    await expect(blockers.get_by_role("button", name="的联系方式")).to_be_focused()
    await city.get_by_role("button", name="未办单位").click()
    missing = city.get_by_role("table", name="未办单位")
    await expect(missing.get_by_role("row")).to_have_count(1 + 3)
    await expect(missing.get_by_role("row").filter(has_text="助学小学")).to_contain_text(
        "历下区学生资助管理中心"
    )
    await judge(city, "missing")
    await missing.get_by_role("button", name="助学小学的办理经过").click()
    course = city.get_by_role("dialog", name="助学小学的办理经过")
    await expect(course).to_contain_text("历下区学生资助管理中心尚未转发")
    await judge(city, "what a school has not done")
    await city.keyboard.press("Escape")
    for tab in ("进程", "催办", "退回", "变动说明"):
        await city.get_by_role("group", name="内容").get_by_role("button", name=tab, exact=True).click()
        await expect(city.get_by_text("正在载入")).to_have_count(0)
        await judge(city, tab)
    await city.get_by_role("button", name="催办").first.click()
    dialog = city.get_by_role("dialog", name="催办")
    await expect(dialog).to_contain_text("最多提醒 1 个已送达的单位签收、1 个单位转发")
    await judge(city, "remind")
    await dialog.get_by_role("button", name="发送催办").click()
    await expect(dialog.get_by_text("已提醒 ")).to_contain_text("1 个单位转发")
    await judge(city, "reminded")
    await dialog.get_by_role("button", name="关闭").last.click()
    # Down to the county, and up again.
    await city.get_by_role("group", name="内容").get_by_role("button", name="下级单位").click()
    await city.get_by_role("table").get_by_role("button", name="历下区学生资助管理中心").click()
    way = city.get_by_role("navigation", name="统计范围")
    await expect(way).to_contain_text("历下区学生资助管理中心")
    await expect(figures.get_by_role("listitem").filter(has_text="已签收")).to_contain_text("0 / 3")
    await expect(city.get_by_role("table").get_by_role("row")).to_have_count(1 + 2)
    await judge(city, "county")
    await way.get_by_role("button", name="济南市学生资助管理中心").click()
    await expect(figures.get_by_role("listitem").filter(has_text="已签收")).to_contain_text("2 / 5")
    await by_the_map(city)
    await expect(way).to_contain_text("历下区学生资助管理中心")
    await expect(city.get_by_role("table").get_by_role("row")).to_have_count(1 + 2)
    await way.get_by_role("button", name="济南市学生资助管理中心").click()
    await city.get_by_role("group", name="显示方式").get_by_role("link", name="列表").click()
    # The county passes it on, on a phone.
    county = await new_page(PHONE)
    await sign_in(county, site, phone_of(COUNTY))
    await county.goto(f"{site.url}/notices/{notice}")
    await county.get_by_role("heading", level=1, name=TITLE).wait_for()
    await judge(county, "notice of the county")
    await county.get_by_role("button", name="签收").click()
    await expect(county.get_by_role("status").filter(has_text="已签收")).to_be_focused()
    await county.get_by_role("button", name="转发下级").click()
    dialog = county.get_by_role("dialog", name="转发通知")
    cover = dialog.get_by_label("转发意见")
    await cover.fill("请各校按时报送。")
    await expect(dialog.get_by_text("将送达 2 个单位")).to_be_visible()
    await lose_the_line(county, dialog.get_by_role("button", name="转发下级"), cover)
    await lose_the_session(county, site)
    await county.get_by_role("button", name="转发下级").click()
    await expect(cover).to_have_value("请各校按时报送。")
    await expect(dialog.get_by_text("将送达 2 个单位")).to_be_visible()
    await dialog.get_by_role("button", name="转发下级").click()
    await expect(county.get_by_role("region", name="本单位转发记录")).to_contain_text("请各校按时报送。")
    await county.get_by_role("button", name="交办").click()
    dialog = county.get_by_role("dialog", name="指定承办人")
    await dialog.get_by_label("承办人").select_option(index=1)
    await dialog.get_by_label("办理要求").fill("请核对人数。")
    await county.keyboard.press("Escape")
    await county.get_by_role("button", name="交办").click()
    await expect(dialog.get_by_label("办理要求")).to_have_value("请核对人数。")
    await dialog.get_by_label("承办人").select_option(index=1)
    await judge(county, "assigning")
    await dialog.get_by_role("button", name="交办").click()
    await expect(county.get_by_role("region", name="承办")).to_contain_text("办理中")
    await judge(county, "passed on")
    await post(SCHOOLS[1], "sign")
    # A school answers.
    school = await new_page(PHONE)
    await sign_in(school, site, phone_of(SCHOOLS[0]))
    await school.goto(f"{site.url}/notices/{notice}")
    await expect(school.get_by_text("请各校按时报送。")).to_be_visible()
    await school.get_by_role("button", name="签收").click()
    await expect(school.get_by_role("status").filter(has_text="已签收")).to_be_focused()
    await school.get_by_role("link", name="填写答复").click()
    await school.get_by_label("受助学生人数").fill("很多")
    await school.get_by_label("发放方式").select_option("银行卡")
    await school.get_by_role("button", name="添加一行").click()
    await school.get_by_label("姓名 第 1 行").fill("张三")
    await judge(school, "answering")
    await lose_the_session(school, site)
    await expect(school.get_by_label("受助学生人数")).to_have_value("很多")
    await expect(school.get_by_label("姓名 第 1 行")).to_have_value("张三")
    await school.get_by_role("button", name="提交答复").click()
    await expect(school.get_by_text("应为数字")).to_be_visible()
    await expect(school.get_by_label("受助学生人数")).to_be_focused()
    await judge(school, "wrong")
    await school.get_by_label("受助学生人数").fill("1280")
    file: FilePayload = {"name": "证明.txt", "mimeType": "text/plain", "buffer": "证明".encode()}
    await school.get_by_label("证明材料").last.set_input_files(file)
    await expect(school.get_by_role("button", name="移除证明.txt")).to_be_visible()
    await expect(school.get_by_role("status").filter(has_text="已自动保存")).to_be_visible()
    await school.reload()
    await expect(school.get_by_label("受助学生人数")).to_have_value("1280")
    await school.get_by_role("button", name="提交答复").click()
    await expect(school.get_by_role("status").filter(has_text="答复已提交")).to_be_focused()
    await judge(school, "answered")
    # What was changed afterwards is given up after a question only.
    await school.get_by_label("受助学生人数").fill("1290")
    await expect(school.get_by_role("status").filter(has_text="已自动保存")).to_be_visible()
    await school.get_by_role("button", name="恢复为已提交的内容").click()
    dialog = school.get_by_role("dialog", name="恢复为已提交的内容")
    await judge(school, "giving up")
    await dialog.get_by_role("button", name="恢复为已提交的内容").click()
    await expect(school.get_by_label("受助学生人数")).to_have_value("1280")
    await expect(school.get_by_role("status").filter(has_text="已自动保存")).to_be_visible()
    # All have it now.
    await city.get_by_role("button", name="刷新").click()
    await expect(figures).to_contain_text("全部 5 个单位已签收")
    await expect(blockers).to_have_count(0)
    await judge(city, "complete")
    # Down to the school: what it did, and when.
    await city.get_by_role("table").get_by_role("button", name="历下区学生资助管理中心").click()
    await city.get_by_role("table").get_by_role("button", name="助学小学").click()
    steps = city.get_by_role("list", name="办理经过").get_by_role("listitem")
    for step in ("送达", "阅读", "签收", "提交答复"):
        await expect(steps.filter(has_text=step)).to_have_count(1)
    await judge(city, "what a school did")
    await way.get_by_role("button", name="济南市学生资助管理中心").click()
    await city.get_by_role("link", name="答复汇总").click()
    row = city.get_by_role("table", name="各单位的答复").get_by_role("row").filter(has_text="助学小学")
    await expect(row).to_contain_text("1280")
    await judge(city, "answers")
    await city.get_by_text("合计", exact=True).first.click()
    await row.get_by_role("button", name="的答复").click()
    dialog = city.get_by_role("dialog", name="济南市历下区助学小学的答复")
    await expect(dialog).to_contain_text("张三")
    await expect(dialog).to_contain_text("证明.txt")
    await judge(city, "one answer")
    await dialog.get_by_role("button", name="关闭").last.click()
    await city.get_by_role("button", name="导出 Excel").click()
    job = city.get_by_role("region", name="答复汇总-")
    await expect(job.get_by_text("已完成")).to_be_visible(timeout=PATIENCE * 1000)
    await judge(city, "exported")
    async with city.expect_download() as download:
        await job.get_by_role("button", name="下载文件").click()
    assert (await download.value).suggested_filename.endswith(".xlsx")
    await county.set_viewport_size({"width": DESKTOP.width, "height": DESKTOP.height})
    await delegate(county, site)


async def delegate(page: "Page", site: Site) -> None:
    """The colleague acts for some days, after a look at what that means; then no more."""
    await page.goto(f"{site.url}/delegations")
    await page.get_by_text("没有委托。休假、出差前").wait_for()
    await page.get_by_role("button", name="委托同事代办").click()
    dialog = page.get_by_role("dialog", name="委托同事代办")
    await dialog.get_by_label("受托人").select_option(index=1)
    await dialog.get_by_role("group", name="所委托的角色").get_by_role("checkbox").first.check()
    await dialog.get_by_label("原因").fill("出差期间代办")
    await judge(page, "delegation")
    await dialog.get_by_role("button", name="下一步").click()
    await expect(dialog.get_by_role("button", name="委托同事代办")).to_be_disabled()
    await judge(page, "delegation: preview")
    await dialog.get_by_label("我已核对以上内容").check()
    await dialog.get_by_role("button", name="委托同事代办").click()
    await expect(page.get_by_role("status").filter(has_text="代办。")).to_be_focused()
    row = page.get_by_role("table", name="委托").get_by_role("row").filter(has_text="出差期间代办")
    await expect(row).to_contain_text("有效")
    await judge(page, "delegations")
    await row.get_by_role("button", name="终止").click()
    dialog = page.get_by_role("dialog", name="终止委托")
    await judge(page, "end of a delegation")
    await dialog.get_by_role("button", name="终止委托").click()
    await expect(row).to_contain_text("已终止")
