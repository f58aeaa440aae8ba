"""Rights at the portal's pages: entitlements, the registry of clients, and the audit log of both."""

import gzip
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect
from sqlalchemy import text

from contracts.vocabulary import PlatformRole, Role
from servicekit.clock import SHANGHAI
from testkit.browsers import PATIENCE, NewPage

from .conftest import Site
from .support import content, judge, phone_of, sign_in
from .test_administration import appointed
from .test_receiving import with_two_counties

if TYPE_CHECKING:
    from playwright.async_api import Page

    from testkit.postgres import Migration

pytestmark = pytest.mark.usefixtures("built")

AUDITOR = "13911110003"
"""Belongs to no unit."""
ADMIN = "曹宇瑶"
"""Of 济南, who grants, reviews and registers."""
KEPT, DROPPED = "马明瑶", "杜佳林"
"""Of 历下区."""
CLIENT, REASON = "济南市资助管理平台", "合同到期，停止接入"


@pytest.fixture
def world() -> "Migration":
    return with_two_counties


async def open_person(page: "Page", site: Site, name: str) -> None:
    """Find a person of a unit below by name."""
    await page.goto(f"{site.url}/administration/people?scope=below&q={name}")
    await page.get_by_role("link", name=name).click()
    await page.get_by_role("heading", level=1, name=name).wait_for()


async def decide(page: "Page", button: str, title: str, said: str) -> None:
    """Press a button, confirm what its dialog asks; the focus is where the page says what was done."""
    await page.get_by_role("button", name=button, exact=True).click()
    await page.get_by_role("dialog", name=title).get_by_role("button", name=title, exact=True).click()
    await expect(page.get_by_role("status").filter(has_text=said)).to_be_focused()


async def grant_review_and_revoke(page: "Page", site: Site) -> None:
    """Two people are granted the cockpit; a year later one is kept and one is not; then nobody has it."""
    for name in (DROPPED, KEPT):
        await open_person(page, site, name)
        await decide(page, "授权", "授权", "已授权使用数字驾驶舱")
    await judge(page, "person with an entitlement")
    async with site.identity.state.database.transaction() as session:
        await session.execute(text("UPDATE entitlements SET expires_at = expires_at - interval '350 days'"))
    await page.goto(f"{site.url}/administration/reviews")
    rows = page.get_by_role("table", name="授权复核").get_by_role("row")
    await expect(rows).to_have_count(1 + 2)
    await judge(page, "reviews")
    await decide(page, f"保留{KEPT}的授权", "保留", f"{KEPT}的授权已延长一年")
    await decide(page, f"撤回{DROPPED}的授权", "撤回", f"{DROPPED}的授权已撤回")
    await expect(page.get_by_text("没有待复核的授权")).to_be_visible()
    await open_person(page, site, DROPPED)
    await expect(page.get_by_text("未授权")).to_be_visible()
    await open_person(page, site, KEPT)
    await decide(page, "撤回授权", "撤回授权", "已撤回数字驾驶舱的授权")
    await expect(page.get_by_text("未授权")).to_be_visible()


async def register_rotate_disable_and_delete(page: "Page", site: Site) -> None:
    """A client is registered, gets a second secret, loses the first, is disabled and deleted."""
    await page.goto(f"{site.url}/administration/clients")
    await page.get_by_role("button", name="登记接入系统").click()
    dialog = page.get_by_role("dialog", name="登记接入系统")
    await dialog.get_by_label("名称").fill(CLIENT)
    await dialog.get_by_label("回调地址", exact=False).first.fill("https://jn.example.edu.cn/callback")
    await judge(page, "register a client")
    await dialog.get_by_role("button", name="登记接入系统").click()
    secret = page.get_by_role("dialog", name="新密钥")
    first = await secret.locator("code.secret").inner_text()
    await judge(page, "secret")
    await secret.get_by_role("button", name="关闭").last.click()
    await page.get_by_role("heading", level=1, name=CLIENT).wait_for()
    await expect(page.get_by_text(first)).to_have_count(0)
    await judge(page, "client")
    rotate = page.get_by_role("button", name="更换密钥")
    await rotate.click()
    await page.get_by_role("dialog", name="更换密钥").get_by_role("button", name="更换密钥").click()
    assert await secret.locator("code.secret").inner_text() != first
    await secret.get_by_role("button", name="关闭").last.click()
    await expect(rotate).to_be_focused()
    secrets = page.get_by_role("region", name="密钥").get_by_role("listitem")
    await expect(secrets).to_have_count(2)
    await secrets.filter(has_text="失效").get_by_role("button", name="立即作废").click()
    await page.get_by_role("dialog", name="立即作废").get_by_role("button", name="立即作废").click()
    await expect(page.get_by_role("status").filter(has_text="密钥已作废")).to_be_focused()
    await expect(secrets).to_have_count(1)
    await page.get_by_role("button", name="停用").click()
    dialog = page.get_by_role("dialog", name="停用")
    await dialog.get_by_label("原因").fill(REASON)
    await judge(page, "disable a client")
    await dialog.get_by_role("button", name="停用").click()
    await expect(page.get_by_role("status").filter(has_text="系统已停用")).to_be_focused()
    await expect(page.get_by_text(f"原因：{REASON}")).to_be_visible()
    await page.goto(f"{site.url}/administration/clients")
    await expect(page.get_by_role("row").filter(has_text=CLIENT)).to_contain_text("停用")
    await judge(page, "clients")
    await page.get_by_role("row").filter(has_text=CLIENT).get_by_role("link").click()
    await page.get_by_role("button", name="删除").click()
    dialog = page.get_by_role("dialog", name="删除")
    go = dialog.get_by_role("button", name="删除")
    await dialog.get_by_label("输入系统名称以确认").fill("其他系统")
    await expect(go).to_be_disabled()
    await dialog.get_by_label("输入系统名称以确认").fill(CLIENT)
    await judge(page, "delete a client")
    await go.click()
    await expect(page.get_by_role("status").filter(has_text="系统已删除")).to_be_focused()


async def search_and_export(page: "Page", site: Site) -> list[dict[str, object]]:
    """The records of one action, of the person who did it, in a file; return what is in the file."""
    await page.goto(f"{site.url}/administration/audit")
    rows = page.get_by_role("table", name="审计记录").get_by_role("row")
    await page.get_by_label("动作").select_option(label="停用接入系统")
    now = site.clock.now().astimezone(SHANGHAI)
    for label, at in (("起始时间", now - timedelta(hours=1)), ("截止时间", now + timedelta(minutes=1))):
        await page.get_by_label(label).fill(f"{at:%Y-%m-%dT%H:%M}")
    await page.get_by_role("search").get_by_role("button", name="查询").click()
    await expect(rows).to_have_count(1 + 1)
    await expect(rows.last).to_contain_text(ADMIN)
    await page.get_by_role("group").filter(has_text="详情").last.click()
    await expect(rows.last).to_contain_text(REASON)
    await judge(page, "audit records")
    await page.get_by_role("button", name="导出记录").click()
    dialog = page.get_by_role("dialog", name="导出记录")
    await dialog.get_by_label("原因").fill("年度核查")
    await dialog.get_by_role("button", name="导出", exact=True).click()
    job = page.get_by_role("region", name="审计日志")
    await expect(job.get_by_text("已完成")).to_be_visible(timeout=PATIENCE * 1000)
    await judge(page, "audit exports")
    async with page.expect_download() as given:
        await job.get_by_role("button", name="下载文件").click()
    file = await given.value
    assert file.suggested_filename == "审计日志.jsonl.gz"
    lines = gzip.decompress(await content(file)).splitlines()
    return [json.loads(line) for line in lines]


async def test_rights_are_given_reviewed_and_taken_and_the_audit_log_says_by_whom(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()
    await sign_in(page, site, phone_of("370100", Role.UNIT_ADMIN), "/administration/people")
    await grant_review_and_revoke(page, site)
    await register_rotate_disable_and_delete(page, site)
    auditor = await new_page()
    await appointed(auditor, site, PlatformRole.AUDIT_ADMIN, AUDITOR, "贺察")
    records = await search_and_export(auditor, site)
    assert [one["action"] for one in records] == ["client.disabled"]
