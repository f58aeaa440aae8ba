"""Agreeing to new versions after signing in, refusing and withdrawing; the new holder of a number."""

from datetime import timedelta

from sqlalchemy import text

from testkit.browsers import Screen, press, tab_to, type_into

from .conftest import COUNTY_ADMIN, NewPerson
from .judging import judge
from .tour import new_terms

ID_NUMBER = "11010519491231002X"
BOX = "我已阅读并同意《使用条款》"


async def test_a_new_version_is_agreed_to_before_going_on(
    new_person: NewPerson, screen: Screen, *, scripts: bool
) -> None:
    person = await new_person(screen=screen, scripts=scripts)
    page, site = person.page, person.site
    await new_terms(site)
    await person.ask_for_code("/account/units")
    await page.keyboard.type(await site.last_code(person.phone))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="文件已更新，请重新确认").wait_for()
    await judge(person, "agree")
    await press(page, "同意并继续")
    await page.get_by_text("请阅读并勾选同意").wait_for()
    await judge(person, "agree: not ticked")
    # Without agreeing, one's rights stay open, and signing out.
    await press(page, "隐私与数据")
    await page.get_by_role("button", name="导出个人信息").wait_for()
    await judge(person, "privacy without agreement")
    await press(page, "我的单位")
    await page.get_by_role("heading", name="文件已更新，请重新确认").wait_for()
    await tab_to(page, BOX)
    await page.keyboard.press("Space")
    await press(page, "同意并继续")
    await page.get_by_role("heading", name="我的单位").wait_for()


async def test_an_agreement_is_withdrawn(new_person: NewPerson) -> None:
    person = await new_person()
    page, site = person.page, person.site
    await person.sign_in("/account/privacy")
    await press(page, "撤回")
    await page.get_by_role("heading", name="要撤回同意吗？").wait_for()
    await judge(person, "withdraw")
    await press(page, "撤回同意")
    await page.get_by_role("heading", name="已撤回同意").wait_for()
    await judge(person, "withdrawn")
    site.clock.advance(timedelta(seconds=61))
    await person.ask_for_code()
    await page.keyboard.type(await site.last_code(person.phone))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="请阅读并同意", exact=True).wait_for()
    await press(page, "不同意，退出登录")
    await page.get_by_role("heading", name="您已退出登录").wait_for()


async def test_the_new_holder_of_a_number_registers(
    new_person: NewPerson, screen: Screen, *, scripts: bool
) -> None:
    person = await new_person(screen=screen, scripts=scripts)
    page, site = person.page, person.site
    await person.visit("/register")
    await press(page, "新机主注册")
    await page.get_by_role("heading", name="新机主注册").wait_for()
    await judge(person, "new holder: phone")
    await type_into(page, "手机号", COUNTY_ADMIN)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    await judge(person, "new holder: name")
    await page.keyboard.type(await site.last_code(COUNTY_ADMIN))
    await type_into(page, "姓名", "赵小红")
    await type_into(page, "公民身份号码", ID_NUMBER)
    for box in (
        "我已阅读《公民身份号码处理告知书》（在新窗口打开），单独同意处理我的公民身份号码",
        "我已阅读并同意《使用条款》和《隐私政策》（在新窗口打开）",
    ):
        await tab_to(page, box)
        await page.keyboard.press("Space")
    await press(page, "核验并注册")
    await page.get_by_role("heading", name="加入单位").wait_for()
    async with site.app.state.database.transaction() as session:
        lost = await session.scalar(text("SELECT count(*) FROM accounts WHERE phone_lost_at IS NOT NULL"))
    assert lost == 1
