"""Proving a number by a text message from it: by keyboard, with and without JavaScript, on both screens."""

import re

from playwright.async_api import expect

from testkit.browsers import PATIENCE, Screen, overflow, press, serious_faults, tab_to, type_into

from .conftest import NewPerson, Person

NEW_NUMBER = "13887658765"
WAITING = "用手机发送短信验证"


async def text_to_send(person: Person, place: int = 0) -> str:
    """What the page says the person should send."""
    shown = await person.page.locator(".sent-text").nth(place).inner_text()
    return re.sub(r"\s", "", shown)


async def send(person: Person, phone: str, text: str) -> None:
    """Send a text message from a phone to the platform, as the inbox of dev mode does."""
    answer = await person.page.request.post(
        f"{person.site.url}/dev/sms/send", form={"phone": phone, "text": text}
    )
    assert answer.ok


async def at_waiting_page(person: Person) -> None:
    await person.page.get_by_role("heading", level=1, name=WAITING).wait_for()


async def test_a_person_without_a_code_signs_in_by_texting(
    new_person: NewPerson, screen: Screen, scripts: bool
) -> None:
    person = await new_person(screen=screen, scripts=scripts)
    page = person.page
    await person.ask_for_code()
    await press(page, "改用手机发送短信验证")
    await person.stop_updating()
    assert person.phone not in page.url
    if scripts:
        assert (await serious_faults(page), await overflow(page)) == ([], 0)
    await press(page, "我已发送")
    await page.get_by_role("alert").wait_for()
    await send(person, person.phone, await text_to_send(person))
    await press(page, "我已发送")
    await page.get_by_text("已收到").wait_for()
    if scripts:
        assert (await serious_faults(page), await overflow(page)) == ([], 0)
    await expect(page.get_by_role("button", name="登录")).to_be_focused(timeout=PATIENCE * 1000)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account")


async def test_the_page_goes_on_by_itself_once_the_text_has_arrived(
    new_person: NewPerson, scripts: bool
) -> None:
    person = await new_person(NEW_NUMBER, scripts=scripts)
    page = person.page
    await person.visit("/register")
    await type_into(page, "手机号", NEW_NUMBER)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    await press(page, "改用手机发送短信验证")
    await at_waiting_page(person)
    await send(person, NEW_NUMBER, await text_to_send(person))
    await page.get_by_text("已收到").wait_for(timeout=PATIENCE * 1000)
    await person.focused("姓名")
    await page.keyboard.type("王小明")
    await tab_to(page, "注册")
    await page.keyboard.press("Enter")
    # The box was not ticked; the text that has arrived is still good.
    await page.get_by_role("alert").wait_for()
    await page.get_by_role("checkbox").focus()
    await page.keyboard.press("Space")
    await press(page, "注册")
    await page.get_by_role("heading", name="加入单位").first.wait_for()


async def test_a_number_is_changed_by_texts_from_both_numbers(new_person: NewPerson, screen: Screen) -> None:
    person = await new_person(screen=screen)
    page = person.page
    await person.sign_in()
    await person.visit("/account/phone")
    await type_into(page, "新手机号", NEW_NUMBER)
    await press(page, "改用手机发送短信验证")
    await person.stop_updating()
    assert (await serious_faults(page), await overflow(page)) == ([], 0)
    new, old = await text_to_send(person), await text_to_send(person, 1)
    await send(person, NEW_NUMBER, new)
    await press(page, "我已发送")
    await page.get_by_text("已收到新手机号的短信").wait_for()
    await send(person, person.phone, old)
    await press(page, "我已发送")
    await page.get_by_text("发送的短信，请继续").wait_for()
    assert (await serious_faults(page), await overflow(page)) == ([], 0)
    await press(page, "更换手机号")
    await page.get_by_text("手机号已更换").first.wait_for()
