"""Delegations: given, seen by both, ended; by keyboard, with and without JavaScript, on both screens."""

from testkit.browsers import Screen, press, tab_to, type_into

from .conftest import COUNTY_ADMIN, NewPerson
from .judging import judge

COUNTY_HANDLER = "19900001324"


async def test_a_colleague_acts_for_some_days_and_the_delegation_is_ended(
    new_person: NewPerson, screen: Screen, *, scripts: bool
) -> None:
    person = await new_person(COUNTY_ADMIN, screen, scripts=scripts)
    page = person.page
    await person.sign_in()
    await press(page, "委托代办")
    await page.get_by_role("heading", name="委托代办").wait_for()
    await judge(person, "delegations: none")
    await press(page, "委托同事代办")
    await page.get_by_role("heading", name="委托代办：选择同事").wait_for()
    await judge(person, "delegations: find")
    colleague = (await page.locator("ul.rows strong").first.inner_text()).strip()
    await type_into(page, "按姓名查找同事", colleague)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account/delegations/new?*name=*")
    await press(page, f"委托{colleague}")
    await page.get_by_role("heading", name=f"委托{colleague}代办").wait_for()
    await judge(person, "delegations: form")
    # Forgotten: nothing typed is lost.
    await type_into(page, "委托的原因", "出差期间代办")
    await page.keyboard.press("Enter")
    await page.get_by_text("请选择所委托的角色。").wait_for()
    assert await page.get_by_label("委托的原因").input_value() == "出差期间代办"
    await tab_to(page, "签发人")
    await page.keyboard.press("Space")
    await press(page, "委托")
    await page.get_by_text(f"已委托{colleague}代办。").wait_for()
    assert await page.get_by_text("有效", exact=True).count() == 1
    await judge(person, "delegations: given")
    other = await new_person(COUNTY_HANDLER, screen, scripts=scripts)
    await other.sign_in("/account/delegations")
    await other.page.get_by_text("出差期间代办").wait_for()
    assert await other.page.get_by_text("签发人", exact=False).count() == 1
    await judge(other, "delegations: received")
    await press(page, f"终止对{colleague}的委托")
    await page.get_by_role("heading", name=f"要终止对{colleague}的委托吗？").wait_for()
    await judge(person, "delegations: end")
    await press(page, "终止委托")
    await page.get_by_text("已终止", exact=True).wait_for()
    await other.visit("/account/delegations")
    await other.page.get_by_text("已终止", exact=True).wait_for()
