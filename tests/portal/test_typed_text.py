"""Whoever types loses nothing, whatever happens: here in a form that no service saves meanwhile."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from contracts.vocabulary import Role
from onebox import web
from testkit.browsers import PATIENCE, NewPage
from testkit.waiting import moments

from .conftest import Site
from .interruptions import deploy, lose_the_session, stop_streams
from .support import judge, phone_of, sign_in

if TYPE_CHECKING:
    from playwright.async_api import Page

AUTHOR = phone_of("100000", Role.UNIT_ADMIN)
ARTICLE = "如何转发通知"
TEXT = "打开通知，点击“转发下级”。"


@pytest.fixture
def pages_dir(built: None, tmp_path: Path) -> Path:
    """A copy of the built pages, which a deployment replaces."""
    shutil.copytree(web.DIST, tmp_path / "pages")
    return tmp_path / "pages"


async def typed(page: "Page") -> None:
    """What was typed is there."""
    await expect(page.get_by_label("标题")).to_have_value(ARTICLE, timeout=PATIENCE * 1000)
    await expect(page.get_by_role("textbox", name="正文")).to_contain_text(TEXT)


async def test_an_article_is_written_over_everything_that_may_happen(
    site: Site, new_page: NewPage, pages_dir: Path
) -> None:
    page = await new_page()
    await sign_in(page, site, AUTHOR, "/help/new")
    await page.get_by_label("标题").fill(ARTICLE)
    await page.get_by_label("分类").fill("通知")
    await page.get_by_role("textbox", name="正文").click()
    await page.keyboard.type(TEXT)
    # The line fails, and while it does a new version is deployed.
    await page.context.set_offline(True)
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_role("alert").filter(has_text="网络").first).to_be_visible()
    await page.get_by_role("link", name="待办", exact=True).first.click()
    await expect(page.get_by_role("status").filter(has_text="页面没有打开")).to_be_visible()
    await typed(page)
    deploy(pages_dir)
    await page.context.set_offline(False)
    notice = page.get_by_role("status").filter(has_text="系统已更新")
    await expect(notice).to_contain_text("刷新页面即可使用新版本", timeout=PATIENCE * 1000)
    await judge(page, "a new version")
    await notice.get_by_role("button", name="刷新页面").click()
    await expect(notice).to_contain_text("当前页面为新版本", timeout=PATIENCE * 1000)
    await typed(page)
    await notice.get_by_role("button", name="关闭").click()
    # The next one: a page that is open is told, and the files of another are gone when somebody goes there.
    deploy(pages_dir)
    async for _ in moments():
        # The stream of the page that was reloaded may not be there yet.
        stop_streams(site)
        if await notice.filter(has_text="刷新页面即可使用新版本").count():
            break
    else:
        raise AssertionError("nobody is told of the new version")
    await page.get_by_role("link", name="通讯录", exact=True).first.click()
    await page.get_by_role("heading", level=1, name="通讯录").wait_for()
    await expect(notice).to_contain_text("当前页面为新版本")
    await page.go_back()
    await typed(page)
    # The session ends, and the person signs in again.
    await lose_the_session(page, site)
    await typed(page)
    await page.get_by_role("button", name="保存").click()
    await page.get_by_role("heading", level=1, name=ARTICLE).wait_for()
    await page.goto(f"{site.url}/help/new")
    await expect(page.get_by_label("标题")).to_have_value("")
