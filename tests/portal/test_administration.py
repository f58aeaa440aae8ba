"""An administrator at the portal's pages: a new school, an invite, a teacher joins, who may not decide."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest
from playwright.async_api import expect

from contracts.vocabulary import PlatformRole, Role
from identity.cli_platform import appoint
from testkit.browsers import PHONE, NewPage

from .conftest import COUNTY_ADMIN, NewVisitor, Site, Visitor
from .interruptions import lose_the_session
from .support import judge, phone_of, sign_in
from .test_pages import TITLE, published

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.usefixtures("built")

COLLEAGUE = "19900001324"
"""In the same county; here the administrator of the county beside it."""
TEACHER = "13812345678"
SECURITY_ADMIN = "13911110002"
"""Belongs to no unit."""
SCHOOL = "历下区新建小学"
APPROVE = """path => fetch(path, {method: 'POST', headers: {'x-csrf': '1'}})
  .then(async answer => [answer.status, (await answer.json()).code])"""
TABS = ("/administration/units?tab=below", "/administration/units?tab=history")
"""Pages by their addresses: `test_states`."""


async def called(person: Visitor, method: str, path: str, **more: Any) -> Any:
    answer = await person.call(method, f"/api/identity/v1{path}", **more)
    assert answer.is_success, answer.text
    return answer.json()


async def sibling(new_visitor: NewVisitor) -> None:
    """The city opens a county beside, and makes somebody from 历下区 its administrator."""
    city = new_visitor()
    await city.sign_in(phone_of("370100", Role.UNIT_ADMIN))
    of_city = (await called(city, "GET", "/me"))["unit_id"]
    county = (await called(city, "GET", "/units/by-code/370102"))["id"]
    unit = {
        "parent_id": of_city,
        "code": "370103",
        "name": "市中区学生资助管理中心",
        "level": "county",
        "kind": "student_aid",
        "stages": ["compulsory"],
    }
    beside = (await called(city, "POST", "/units", json=unit))["id"]
    members = (await called(city, "GET", f"/units/{county}/members"))["items"]
    [sub] = [one["sub"] for one in members if one["roles"] == ["handler"]]
    moved = {"to_unit_id": beside, "roles": ["unit_admin"]}
    asked = await called(city, "POST", f"/units/{county}/members/{sub}/transfer", json=moved)
    if asked["status"] == "pending":
        await called(city, "POST", f"/join-requests/{asked['id']}/approve")


async def open_school(page: "Page", site: Site) -> None:
    """A unit is opened after a look at what that changes."""
    await page.goto(f"{site.url}/administration/units")
    await page.get_by_role("button", name="新建下级单位").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("名称").fill(SCHOOL)
    await dialog.get_by_label("代码", exact=False).first.fill("3737010299")
    await dialog.get_by_label("层级").select_option(label="学校")
    await dialog.get_by_label("义务教育").check()
    await dialog.get_by_label("原因").fill("新设")
    await judge(page, "create a unit")
    await lose_the_session(page, site)
    await page.get_by_role("button", name="新建下级单位").click()
    await expect(dialog.get_by_label("名称")).to_have_value(SCHOOL)
    await expect(dialog.get_by_label("原因")).to_have_value("新设")
    await expect(dialog.get_by_label("义务教育")).to_be_checked()
    await dialog.get_by_role("button", name="下一步").click()
    await expect(dialog.get_by_role("row", name="上级单位")).to_contain_text("历下区")
    await judge(page, "preview")
    await dialog.get_by_label("我已核对以上内容").check()
    await dialog.get_by_role("button", name="新建下级单位").click()
    await page.get_by_role("heading", level=2, name=SCHOOL).wait_for()


async def invite(page: "Page", site: Site) -> str:
    """Return the address of an invite to the school, of which there is a QR code."""
    await page.get_by_role("link", name="查看邀请码").click()
    await page.get_by_role("button", name="邀请人员").click()
    dialog = page.get_by_role("dialog")
    await judge(page, "invite")
    await dialog.get_by_role("button", name="邀请人员").click()
    picture = dialog.get_by_role("img", name="加入地址的二维码")
    await expect(picture).to_have_js_property("complete", value=True)
    assert (await picture.get_attribute("src") or "").startswith(f"blob:{site.url}/")
    assert await picture.evaluate("image => image.naturalWidth") > 0
    await judge(page, "invite: code")
    link = await dialog.get_by_role("link", name="/join").get_attribute("href")
    assert link
    await dialog.get_by_role("button", name="关闭").last.click()
    await expect(page.get_by_role("cell", name="可使用")).to_be_visible()
    return link


async def register(page: "Page", site: Site, phone: str, address: str, name: str) -> None:
    """At Identity's pages."""
    await page.goto(address)
    await page.get_by_label("手机号").fill(phone)
    await page.keyboard.press("Enter")
    await page.get_by_label("短信验证码").wait_for()
    await page.get_by_label("短信验证码").fill(await site.last_code(phone))
    await page.get_by_label("姓名").fill(name)
    await page.get_by_label("我已阅读并同意").check()
    await page.keyboard.press("Enter")


async def join(page: "Page", site: Site, link: str) -> None:
    """A teacher registers at Identity's pages on a phone, and asks to join."""
    await page.goto(link)
    address = await page.get_by_role("link", name="注册账号").get_attribute("href")
    assert address
    await register(page, site, TEACHER, urljoin(page.url, address), "王小明")
    await page.get_by_role("heading", name=f"加入{SCHOOL}").wait_for()
    await page.get_by_role("button", name="提交申请").click()
    await page.get_by_text("待审批", exact=True).wait_for()


async def appointed(page: "Page", site: Site, role: PlatformRole, phone: str, name: str) -> None:
    """An administrator of the platform, signed in at the portal."""
    await register(page, site, phone, f"{site.identity_url}/login/register", name)
    await page.get_by_role("heading", level=1).wait_for()
    await appoint(site.identity.state.settings, role, phone)
    # Tokens that are issued in the second of a change are refused.
    site.clock.advance(timedelta(seconds=2))
    await page.goto(site.url)
    await page.get_by_role("link", name="前往统一用户认证登录").click()
    await page.get_by_role("heading", level=1, name="您好").wait_for()


async def cannot_decide(page: "Page", site: Site, request: str) -> None:
    """The administrator of a sibling county does not find a request, and decides nothing with its id."""
    await sign_in(page, site, COLLEAGUE, "/administration/requests")
    await expect(page.get_by_text("没有等待处理的申请")).to_be_visible()
    path = f"/api/identity/v1/join-requests/{request}/approve"
    assert await page.evaluate(APPROVE, path) == [403, "out_of_reach"]


async def sees_nothing_of(page: "Page", site: Site, sub: str, notice: str) -> None:
    """What is of a county is not for its sibling: a person, and a notice to the schools.

    Office does not even say that there is a notice.
    """
    for path, heading in (
        (f"/administration/people/{sub}", "您没有查看此页的权限"),
        (f"/notices/{notice}", "没有找到"),
        (f"/notices/{notice}/coverage", "没有找到"),
    ):
        await page.goto(site.url + path)
        await page.get_by_role("alert").get_by_role("heading", name=heading).wait_for()
        await expect(page.get_by_text(TITLE)).to_have_count(0)
        await judge(page, f"{heading}: {path}")
    await page.goto(f"{site.url}/notices")
    await expect(page.get_by_text("没有收到通知")).to_be_visible()
    await judge(page, "nothing received")


async def see_all(page: "Page", site: Site) -> None:
    """Whoever belongs to no unit begins at the top of the tree; people are those of the chosen unit."""
    await judge(page, "home of an administrator of the platform")
    for path in ("", "/people", "/reviews", "/offices"):
        await page.goto(f"{site.url}/administration{path}")
        await page.get_by_role("heading", level=1).wait_for()
        await expect(page.get_by_text("正在载入")).to_have_count(0)
        await expect(page.get_by_role("alert")).to_have_count(0)
        await judge(page, f"platform: {path}")
    await expect(page.get_by_role("region", name="现任管理员")).to_contain_text("卫宁 安全管理员")
    await page.goto(f"{site.url}/administration/units")
    await page.get_by_role("heading", level=2, name="全国学生资助管理中心").wait_for()
    await page.get_by_label("查找单位").fill("历下区学生资助")
    await page.get_by_role("list", name="查找结果").get_by_role("button").first.click()
    await page.get_by_role("heading", level=2, name="历下区").wait_for()
    await judge(page, "platform: a unit")
    await page.get_by_role("link", name="查看人员").click()
    await page.get_by_label("姓名").fill("王小明")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_teacher_joins_by_an_invite_that_only_the_own_county_decides_about(
    site: Site, new_page: NewPage, new_visitor: NewVisitor
) -> None:
    await sibling(new_visitor)
    # Tokens that are issued in the second of a change are refused.
    site.clock.advance(timedelta(seconds=2))
    page = await new_page()
    await sign_in(page, site, COUNTY_ADMIN)
    await open_school(page, site)
    link = await invite(page, site)
    await join(await new_page(PHONE), site, link)
    county = new_visitor()
    await county.sign_in()
    [request] = (await called(county, "GET", "/join-requests"))["items"]
    other = await new_page(PHONE)
    await cannot_decide(other, site, request["id"])
    await page.goto(f"{site.url}/administration/requests")
    await page.get_by_role("button", name="通过王小明的申请", exact=True).click()
    await judge(page, "approve")
    await page.get_by_role("dialog").get_by_role("button", name="通过", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text=f"王小明已加入{SCHOOL}")).to_be_focused()
    await page.goto(f"{site.url}/administration/people/{request['sub']}")
    await page.get_by_role("link", name=SCHOOL).wait_for()
    await judge(page, "person")
    await sees_nothing_of(other, site, request["sub"], await published(county, "历教助"))
    for name in TABS:
        await other.goto(site.url + name)
        await other.get_by_role("heading", level=1).wait_for()
        await judge(other, name)
    anybody = await new_page()
    await appointed(anybody, site, PlatformRole.SECURITY_ADMIN, SECURITY_ADMIN, "卫宁")
    await see_all(anybody, site)
