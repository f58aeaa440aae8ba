"""The captcha of the sign-in page: by keyboard, as a picture and in words, with and without JavaScript."""

import pytest
from playwright.async_api import expect

from identity.codes import pictures, questions
from identity.codes.questions import Question
from testkit.browsers import Screen, overflow, press, serious_faults

from .conftest import NewPerson, Person


@pytest.fixture(autouse=True)
def known_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "choose", lambda: "A3K7X")
    monkeypatch.setattr(questions, "ask", lambda _: Question("三加四，等于多少？", 7))


async def asked(new_person: NewPerson, screen: Screen, *, scripts: bool) -> Person:
    """Somebody who is asked a captcha, because a stranger has half spent the number's day."""
    person = await new_person(screen=screen, scripts=scripts)
    budgets = {"sms_budget_per_number": 2}
    app = person.site.app
    app.state.settings = app.state.settings.model_copy(update=budgets)
    stranger = await new_person()
    await stranger.ask_for_code()
    await person.visit("/account")
    await person.page.get_by_label("手机号").fill(person.phone)
    await person.page.keyboard.press("Enter")
    await person.focused("图片中的字符")
    return person


async def test_who_reads_the_picture_gets_a_code(
    new_person: NewPerson, screen: Screen, scripts: bool
) -> None:
    person = await asked(new_person, screen, scripts=scripts)
    page = person.page
    picture = page.get_by_role("img", name="验证图片")
    assert await picture.evaluate("one => one.naturalWidth") == 240
    if scripts:
        assert (await serious_faults(page), await overflow(page)) == ([], 0)
    await page.keyboard.type("wrong")
    await page.keyboard.press("Enter")
    await page.get_by_text("回答不正确").wait_for()
    await person.focused("图片中的字符")
    await page.keyboard.type("a3k7x")
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")


async def test_who_does_not_see_the_picture_answers_words(new_person: NewPerson, screen: Screen) -> None:
    person = await asked(new_person, screen, scripts=True)
    page = person.page
    await press(page, "看不到图片，改答文字题")
    await person.focused("验证问题：三加四，等于多少？")
    assert (await serious_faults(page), await overflow(page)) == ([], 0)
    await expect(page.get_by_label("手机号")).to_have_value(person.phone)
    await page.keyboard.type("七")
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")


async def test_who_answers_neither_sends_a_text(new_person: NewPerson, screen: Screen) -> None:
    person = await asked(new_person, screen, scripts=True)
    await press(person.page, "改用手机发送短信验证")
    await person.stop_updating()
