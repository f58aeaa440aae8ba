"""A lost number: the account is asked for with a new one, and the old one can refuse."""

from datetime import timedelta

from services.identity.tests.support.phones import sought
from testkit.browsers import overflow, press, serious_faults, type_into

from .conftest import COUNTY_ADMIN, NewPerson

NEW_NUMBER = "13887658765"
ID_NUMBER = "11010519491231002X"


async def test_an_account_is_asked_for_and_the_old_number_cancels(new_person: NewPerson) -> None:
    person = await new_person()
    page, site = person.page, person.site
    await person.sign_in()
    name = (await page.locator(".who strong").inner_text()).strip()
    await press(page, "退出登录")
    await press(page, "重新登录")
    await person.focused("手机号")
    await press(page, "找回账号")
    await person.focused("新手机号")
    assert await serious_faults(page) == []
    await page.keyboard.type(NEW_NUMBER)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    assert (await serious_faults(page), await overflow(page)) == ([], 0)
    await page.keyboard.type(await site.last_code(NEW_NUMBER))
    await type_into(page, "姓名", name)
    await type_into(page, "公民身份号码", ID_NUMBER)
    await type_into(page, "原手机号", COUNTY_ADMIN)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="申请已收到").wait_for()
    await sought(site.app)
    assert "138****8765" in await site.last_text(COUNTY_ADMIN)
    site.clock.advance(timedelta(seconds=61))
    await person.visit("/account")
    await press(page, "取消更换手机号")
    await person.focused("原手机号")
    await page.keyboard.type(COUNTY_ADMIN)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    await page.keyboard.type(await site.last_code(COUNTY_ADMIN))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="已取消更换手机号").wait_for()
