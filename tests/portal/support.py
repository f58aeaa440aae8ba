"""What tests of the portal's pages do before and beside what they test."""

import asyncio
from typing import TYPE_CHECKING

from playwright.async_api import expect

from contracts.vocabulary import Role
from identity.units import worlds
from testkit.browsers import PATIENCE, overflow, serious_faults

from .conftest import Site

if TYPE_CHECKING:
    from playwright.async_api import Download, Page

# A busy machine answers late; five seconds are Playwright's own.
expect.set_options(timeout=PATIENCE * 1000)


def phone_of(unit_code: str, role: Role = Role.APPROVER) -> str:
    """The number of the first person with a role in a unit; approvers may most."""
    everybody = (*worlds.centre_staff(), *worlds.world_s_people())
    return next(one.phone for one in everybody if one.unit_code == unit_code and role in one.roles)


async def sign_in(page: "Page", site: Site, phone: str, path: str = "/") -> None:
    """From a page of the portal to Identity's, and back."""
    await page.goto(site.url + path)
    await page.get_by_role("link", name="前往统一用户认证登录").click()
    await page.get_by_label("手机号").fill(phone)
    await page.keyboard.press("Enter")
    await page.get_by_label("短信验证码").wait_for()
    await page.get_by_label("短信验证码").fill(await site.last_code(phone))
    await page.keyboard.press("Enter")
    await page.wait_for_url(site.url + path)
    await page.get_by_role("heading", level=1).wait_for()


async def judge(page: "Page", name: str) -> None:
    """Verify that nothing is wider than the screen, and that axe finds nothing serious."""
    assert await overflow(page) == 0, name
    assert await serious_faults(page) == [], name


async def content(download: "Download") -> bytes:
    """What a browser was given."""
    return await asyncio.to_thread((await download.path()).read_bytes)
