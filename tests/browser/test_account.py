"""The account's pages: what is shown once, what is asked before, what F5 repeats."""

from datetime import timedelta

import pyotp

from testkit.browsers import press, type_into

from .conftest import NewPerson, Person

CALLBACK = "https://jz.example.edu.cn/callback"


async def test_f5_after_registering_a_system_registers_nothing_and_shows_no_secret(
    new_person: NewPerson,
) -> None:
    person = await new_person()
    page = person.page
    await person.sign_in("/integrations")
    await type_into(page, "系统名称", "奖助系统")
    await type_into(page, "回调地址", CALLBACK)
    await page.keyboard.press("Enter")
    await page.locator("#secret").wait_for()
    assert await page.get_by_text("系统已登记。").count() == 1
    await page.reload()
    assert await page.locator("#secret").count() == 0
    assert await page.get_by_text("系统已登记。").count() == 0
    await person.visit("/integrations")
    assert await page.get_by_role("link", name="奖助系统").count() == 1


async def totp(person: Person) -> list[str]:
    """Set up a TOTP; the recovery codes as the page shows them."""
    page = person.page
    await person.visit("/account/security/totp")
    secret = (await page.locator("#secret").inner_text()).strip()
    await page.get_by_label("动态口令").fill(pyotp.TOTP(secret).at(person.site.clock.now()))
    await page.keyboard.press("Enter")
    await page.locator("#codes").wait_for()
    return await page.locator("#codes li").all_inner_texts()


async def test_recovery_codes_are_copied_downloaded_and_gone_after_f5(new_person: NewPerson) -> None:
    person = await new_person()
    page = person.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await person.sign_in()
    codes = await totp(person)
    await press(page, "复制")
    await page.get_by_text("已复制").wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == "\n".join(codes)
    async with page.expect_download() as download:
        await press(page, "下载")
    file = await (await download.value).path()
    assert file.read_text().split() == codes
    assert await page.get_by_role("button", name="打印").is_visible()
    await page.reload()
    assert await person.heading() == "恢复码已显示过"


async def test_without_scripts_the_recovery_codes_have_no_dead_buttons(new_person: NewPerson) -> None:
    person = await new_person(scripts=False)
    await person.sign_in()
    assert len(await totp(person)) == 10
    for name in ("复制", "下载", "打印"):
        assert not await person.page.get_by_role("button", name=name).is_visible()


async def test_ending_other_sessions_is_asked_for_and_confirmed(new_person: NewPerson) -> None:
    person, other = await new_person(), await new_person()
    await other.sign_in()
    person.site.clock.advance(timedelta(seconds=61))
    await person.sign_in("/account/sessions")
    page = person.page
    assert await page.get_by_text("Chrome 浏览器").count() == 2
    assert await page.get_by_text("网络地址 127.0.0.*").count() == 2
    assert await page.get_by_text("当前登录", exact=True).count() == 1
    await press(page, "结束其他登录")
    await page.get_by_role("heading", name="要结束其他 1 个登录吗？").wait_for()
    await other.visit("/account")
    assert await other.heading() == "账号首页"
    await press(page, "结束其他登录")
    await page.get_by_text("已结束其他登录。").wait_for()
    await other.visit("/account")
    await other.focused("手机号")


async def test_a_refusal_is_an_alert_and_not_a_success(new_person: NewPerson) -> None:
    person = await new_person()
    page = person.page
    await person.sign_in("/account/privacy")
    for expected in ("status", "alert"):
        await page.get_by_role("button", name="导出个人信息").click()
        await page.locator(f"main [role={expected}]").wait_for()
    assert "24 小时内已导出过" in await page.get_by_role("alert").inner_text()


async def test_an_account_is_not_closed_while_its_holder_belongs_to_a_unit(new_person: NewPerson) -> None:
    person = await new_person()
    page = person.page
    await person.sign_in("/account/privacy")
    await press(page, "注销账号")
    await page.get_by_role("heading", name="要注销账号吗？").wait_for()
    await press(page, "注销账号")
    assert "请先离开所有所属单位" in await page.get_by_role("alert").inner_text()
