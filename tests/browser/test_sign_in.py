"""Signing in at a browser: keys, pasted codes, the wait for another code, addresses without parameters."""

from datetime import timedelta

import pytest

from testkit.browsers import Screen, overflow, serious_faults

from .conftest import COUNTY_ADMIN, NewPerson


async def test_enter_in_the_phone_field_sends_a_code_and_enter_in_the_code_field_signs_in(
    new_person: NewPerson, scripts: bool
) -> None:
    person = await new_person(scripts=scripts)
    await person.visit("/account")
    await person.focused("手机号")
    await person.page.keyboard.type(COUNTY_ADMIN)
    await person.page.keyboard.press("Enter")
    await person.focused("短信验证码")
    await person.page.keyboard.type(await person.site.last_code(COUNTY_ADMIN))
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url("**/account")
    assert person.site.texts(COUNTY_ADMIN) == 1


async def test_enter_on_a_wrong_code_leaves_the_right_one_usable_a_minute_later(
    new_person: NewPerson,
) -> None:
    person = await new_person()
    await person.ask_for_code()
    right = await person.site.last_code(COUNTY_ADMIN)
    person.site.clock.advance(timedelta(seconds=61))
    await person.page.keyboard.type("000000" if right != "000000" else "000001")
    await person.page.keyboard.press("Enter")
    await person.page.get_by_role("alert").wait_for()
    await person.focused("短信验证码")
    assert person.site.texts(COUNTY_ADMIN) == 1
    await person.page.keyboard.type(right)
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url("**/account")


@pytest.mark.parametrize(
    "form", ["{0} {1}", "{0}-{1}", "【学生资助】您的登录验证码为 {0}{1}，5 分钟内有效。", "text"]
)
async def test_a_code_pasted_with_blanks_or_with_its_whole_message_signs_in(
    new_person: NewPerson, form: str
) -> None:
    person = await new_person()
    await person.ask_for_code()
    code = await person.site.last_code(COUNTY_ADMIN)
    pasted = await person.site.last_text(COUNTY_ADMIN) if form == "text" else form.format(code[:3], code[3:])
    await person.page.keyboard.insert_text(pasted)
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url("**/account")


async def test_the_wait_for_another_code_is_a_time_without_scripts_and_counts_down_with_them(
    new_person: NewPerson, scripts: bool
) -> None:
    person = await new_person(scripts=scripts)
    await person.ask_for_code()
    if scripts:
        counting = person.page.get_by_role("button", name="重新获取验证码（")
        await counting.wait_for()
        assert await counting.is_disabled()
        return
    again = await person.page.get_by_text("起可重新获取").inner_text()
    due = person.site.clock.now() + timedelta(seconds=60)
    assert f"{due:%M:%S} 起可重新获取" in again
    # Too early, but the code of before is still asked for.
    await person.page.get_by_role("button", name="重新获取验证码").click()
    assert "秒后再获取" in await person.page.get_by_role("alert").inner_text()
    await person.page.get_by_label("短信验证码").fill(await person.site.last_code(COUNTY_ADMIN))
    await person.page.keyboard.press("Enter")
    await person.page.wait_for_url("**/account")


@pytest.mark.parametrize("path", ["/", "/account", "/login"])
async def test_an_address_without_parameters_leads_to_the_account(new_person: NewPerson, path: str) -> None:
    person = await new_person()
    await person.sign_in(path)
    assert "/account" in person.page.url


async def test_an_unknown_address_answers_a_page_that_leads_on(new_person: NewPerson) -> None:
    person = await new_person()
    answer = await person.page.goto(person.site.url + "/nowhere")
    assert answer is not None
    assert answer.status == 404
    assert await person.heading() == "页面不存在"
    await person.page.get_by_role("link", name="返回首页").click()
    await person.page.get_by_label("手机号").wait_for()


async def test_a_broken_address_of_a_page_answers_a_page(new_person: NewPerson) -> None:
    person = await new_person()
    answer = await person.page.goto(person.site.url + "/login?return_to=https://evil.example")
    assert answer is not None
    assert (answer.status, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


async def test_the_site_has_an_icon(new_person: NewPerson) -> None:
    person = await new_person()
    answer = await person.page.goto(person.site.url + "/favicon.ico")
    assert answer is not None
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")


async def test_the_steps_of_signing_in_are_accessible(new_person: NewPerson, screen: Screen) -> None:
    person = await new_person(screen=screen)
    await person.visit("/account")
    assert await serious_faults(person.page) == []
    assert await overflow(person.page) == 0
    await person.ask_for_code()
    assert await serious_faults(person.page) == []
    assert await overflow(person.page) == 0
