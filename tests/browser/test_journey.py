"""From the first visit to leaving, by keyboard only, with and without JavaScript, on both screens."""

from datetime import timedelta

from testkit.browsers import Screen, press, tab_to, type_into

from .api import approve, invite
from .conftest import NewPerson, Person
from .judging import judge

NEWCOMER = "13812345678"
NEW_NUMBER = "13887658765"
COUNTY = "历下区学生资助管理中心"


async def register(person: Person) -> None:
    """From the page that asks to sign in, to the page after registering."""
    page = person.page
    await press(page, "注册账号")
    await person.focused("手机号")
    await judge(person, "register: phone")
    await page.keyboard.type(NEWCOMER)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    await judge(person, "register: name")
    await page.keyboard.type(await person.site.last_code(NEWCOMER))
    await type_into(page, "姓名", "王小明")
    # Forgotten: nothing typed is lost, and the code is not used up.
    await page.keyboard.press("Enter")
    await page.get_by_text("请阅读并勾选同意").wait_for()
    await person.focused("短信验证码")
    await page.keyboard.type(await person.site.last_code(NEWCOMER))
    await tab_to(page, "我已阅读并同意《使用条款》和《隐私政策》（在新窗口打开）")
    await page.keyboard.press("Space")
    await press(page, "注册")


async def change_phone(person: Person) -> None:
    """With the codes of both numbers; then sign in with the new one."""
    page, site = person.page, person.site
    await press(page, "更换手机号")
    await person.focused("新手机号")
    await judge(person, "phone")
    await page.keyboard.type(NEW_NUMBER)
    await page.keyboard.press("Enter")
    await person.focused("原手机号收到的验证码")
    await judge(person, "phone: codes")
    await page.keyboard.type(await site.last_code(NEWCOMER))
    await type_into(page, "新手机号收到的验证码", await site.last_code(NEW_NUMBER))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="手机号已更换").wait_for()
    await judge(person, "phone: changed")
    site.clock.advance(timedelta(seconds=61))
    await press(page, "重新登录")
    await person.focused("手机号")
    await page.keyboard.type(NEW_NUMBER)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    await page.keyboard.type(await site.last_code(NEW_NUMBER))
    await page.keyboard.press("Enter")
    await page.get_by_text("138****8765").wait_for()


async def leave(person: Person) -> None:
    """Leave the unit; Office would answer that the work is handed over."""
    page = person.page
    await press(page, "我的单位")
    await page.get_by_role("heading", name="我的单位").wait_for()
    await press(page, f"离开{COUNTY}")
    await person.focused("离开的原因")
    await judge(person, "leave")
    await page.keyboard.type("调离资助工作岗位")
    await page.keyboard.press("Enter")
    await page.get_by_text("正在交接未办结的工作").wait_for()
    await judge(person, "leaving")


async def test_from_registering_by_invite_to_leaving(
    new_person: NewPerson, screen: Screen, *, scripts: bool
) -> None:
    person = await new_person(NEWCOMER, screen, scripts=scripts)
    page, site = person.page, person.site
    await person.visit(await invite(site))
    await person.focused("手机号")
    await register(person)
    await page.get_by_role("heading", name="加入历下区学生资助管理中心").wait_for()
    await judge(person, "invited")
    await press(page, "提交申请")
    await page.get_by_text("请等待审批").wait_for()
    assert await page.get_by_text("待审批", exact=True).count() == 1
    await judge(person, "waiting")
    await approve(site)
    await press(page, "刷新")
    await page.get_by_text("已通过", exact=True).wait_for()
    await judge(person, "approved")
    await press(page, "退出登录")
    await page.get_by_role("heading", name="您已退出登录").wait_for()
    site.clock.advance(timedelta(seconds=61))
    await press(page, "重新登录")
    await person.focused("手机号")
    await page.keyboard.type(NEWCOMER)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    await page.keyboard.type(await site.last_code(NEWCOMER))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="账号首页").wait_for()
    assert await page.get_by_text("经办人").count() == 1
    await judge(person, "account")
    site.clock.advance(timedelta(seconds=61))
    await change_phone(person)
    await leave(person)


async def test_a_unit_is_chosen_in_the_tree_and_the_request_withdrawn(
    new_person: NewPerson, screen: Screen, *, scripts: bool
) -> None:
    person = await new_person(NEWCOMER, screen, scripts=scripts)
    page = person.page
    await person.visit("/join")
    await person.focused("手机号")
    await register(person)
    await page.get_by_role("heading", name="加入单位").wait_for()
    await judge(person, "join")
    await press(page, "选择单位")
    for name in ("全国学生资助管理中心", "山东省学生资助管理中心", "济南市学生资助管理中心"):
        await page.get_by_role("link", name=name, exact=True).first.wait_for()
        await judge(person, f"choose: {name}")
        await press(page, name)
    await page.get_by_role("link", name="历下区学生资助管理中心", exact=True).wait_for()
    await type_into(page, "在济南市学生资助管理中心之下查找", "历下")
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "name=" in url)
    await press(page, "申请加入历下区学生资助管理中心")
    await page.get_by_role("heading", name="申请加入历下区学生资助管理中心").wait_for()
    await judge(person, "chosen")
    await tab_to(page, "经办人")
    await page.keyboard.press("ArrowDown")
    await type_into(page, "给审批人的说明（可不填）", "综合科")
    await page.keyboard.press("Enter")
    await page.get_by_text("待审批", exact=True).wait_for()
    assert await page.get_by_text("审核人", exact=True).count() == 1
    await press(page, "撤回申请")
    await page.get_by_text("已撤回申请。").wait_for()
    await judge(person, "withdrawn")
