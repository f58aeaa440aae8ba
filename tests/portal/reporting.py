"""A person at the pages of reported data: a file, its quarantine, what is sent again, what is withdrawn."""

from typing import TYPE_CHECKING

from playwright.async_api import expect

from testkit.browsers import PATIENCE

from .support import content, judge

if TYPE_CHECKING:
    from playwright.async_api import FilePayload, Page

    from .conftest import Site

SOURCE = "学籍系统导出"
REASON = "金额应大于零"


def csv(name: str, text: str) -> "FilePayload":
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


async def counts(page: "Page", **figures: int) -> None:
    """Wait for the figures of a batch."""
    shown = page.get_by_role("region", name="批次信息").get_by_role("listitem")
    for name, count in figures.items():
        await expect(shown.filter(has_text=name).locator("strong")).to_have_text(str(count))


async def report(page: "Page", site: "Site", awards: str, rows: int) -> None:
    """Upload `rows` good rows and a bad one, after a check that keeps nothing."""
    await page.goto(f"{site.url}/intake")
    await page.get_by_role("button", name="上传数据").click()
    dialog = page.get_by_role("dialog", name="上传数据")
    await dialog.get_by_label("数据源").select_option(label="资助明细")
    await dialog.get_by_label("数据来源").fill(SOURCE)
    await dialog.get_by_label("文件").set_input_files(csv("资助明细.csv", awards))
    await dialog.get_by_role("button", name="先试校验").click()
    await expect(dialog.get_by_text(f"将计入 {rows} 行，隔离 1 行。")).to_be_visible()
    await judge(page, "upload, checked")
    await dialog.get_by_role("button", name="上传数据").click()
    await page.get_by_role("heading", level=1, name="资助明细").wait_for(timeout=PATIENCE * 1000)
    await counts(page, 计入=rows, 隔离=1, 尚未补报=1)
    await expect(page.get_by_role("table", name="隔离的行").get_by_role("row").last).to_contain_text(REASON)
    await judge(page, "batch")


async def send_again_and_withdraw(page: "Page", site: "Site", corrected: str) -> None:
    """The quarantined row is sent again, and that batch is withdrawn."""
    async with page.expect_download() as given:
        await page.get_by_role("button", name="下载隔离的行").click()
    assert REASON in (await content(await given.value)).decode()
    await page.get_by_role("button", name="补报").click()
    dialog = page.get_by_role("dialog", name="补报隔离的行")
    await dialog.get_by_label("文件").set_input_files(csv("补报.csv", corrected))
    await judge(page, "send again")
    await dialog.get_by_role("button", name="上传数据").click()
    await expect(page.get_by_text("补报的原批次")).to_be_visible(timeout=PATIENCE * 1000)
    await counts(page, 计入=1, 隔离=0)
    await page.get_by_role("button", name="撤回批次").click()
    dialog = page.get_by_role("dialog", name="撤回批次")
    await expect(dialog).to_contain_text("各项数据不再包含本批次")
    await judge(page, "withdraw a batch")
    await dialog.get_by_role("button", name="撤回批次").click()
    await expect(page.get_by_role("status").filter(has_text="批次已撤回。")).to_be_focused()
    await judge(page, "withdrawn batch")
    await page.goto(f"{site.url}/intake")
    await expect(page.get_by_role("table", name="批次").get_by_role("row")).to_have_count(1 + 2)
    await judge(page, "batches")
