"""A notice from its first word to an inbox, through the pages only: several people, two tabs, a bad line."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from testkit.browsers import DESKTOP, PATIENCE, PHONE, NewPage, Screen

from . import interruptions
from .conftest import Site
from .support import judge, sign_in

if TYPE_CHECKING:
    from playwright.async_api import Dialog, Page

pytestmark = pytest.mark.usefixtures("built")

DRAFTER, REVIEWER, ISSUER, PROVINCE = "19900000002", "19900000003", "19900000001", "19900001003"
TITLE = "关于举办全国学生资助业务培训的通知"
WORD = (
    "<!--[if gte mso 9]><xml><w:X/></xml><![endif]--><style>p.MsoNormal{mso-style-parent:''}</style>"
    "<p class=MsoNormal style='text-align:center;mso-pagination:none'><b><span style='font-family:仿宋'>"
    "培训安排</span></b><o:p></o:p></p><p class=MsoNormal>　　请按时参加。<img src='file:///x.png'></p>"
)
PASTE = """(html) => {
  const data = new DataTransfer()
  data.setData('text/html', html)
  const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
  document.activeElement.dispatchEvent(event)
}"""


async def arrive(new_page: NewPage, site: Site, phone: str, path: str, screen: Screen = DESKTOP) -> "Page":
    """A person at a page of the portal, in a browser of their own."""
    page = await new_page(screen)
    await sign_in(page, site, phone, path)
    return page


async def says(page: "Page", words: str) -> None:
    """Wait until the page says so."""
    await expect(page.get_by_text(words).first).to_be_visible(timeout=PATIENCE * 1000)


async def saved(page: "Page") -> None:
    """Wait until Office has what was typed."""
    await says(page, "已自动保存")


async def write(page: "Page", tmp_path: Path) -> None:
    """Write a notice with an attachment, and choose whom it reaches."""
    await page.get_by_label("标题").fill(TITLE)
    editor = page.get_by_role("textbox", name="正文")
    await editor.click()
    await page.keyboard.type("定于5月10日举办线上培训。")
    await page.keyboard.press("Enter")
    await page.evaluate(PASTE, WORD)
    await says(page, "正文不能包含图片")
    html = await editor.inner_html()
    assert "mso" not in html.lower()
    assert "font-family" not in html
    assert '<p data-align="center"><strong>培训安排</strong></p>' in html
    assert "<p>请按时参加。" in html
    file = tmp_path / "培训日程.txt"
    file.write_text("上午 开班", "utf-8")
    await page.get_by_label("附件", exact=True).set_input_files(file)
    await expect(page.get_by_label("附件 1 的名称")).to_have_value("培训日程", timeout=PATIENCE * 1000)
    # Office learns of the units by events.
    async with page.expect_response(lambda answer: "recipients/preview" in answer.url):
        await page.get_by_label("全部下级").check()
    await says(page, "将送达 3 个单位")
    await page.get_by_label("指定单位或分组").check()
    await says(page, "请至少选择一个单位或分组")
    await page.get_by_role("button", name="选择单位").click()
    await page.get_by_role("treeitem", name="山东省").click()
    await page.get_by_role("button", name="完成").click()
    await says(page, "将送达 1 个单位")
    await page.get_by_label("直接下级").check()
    await says(page, "将送达 1 个单位")
    await page.get_by_label("办理期限").select_option("发布后若干工作日")
    await says(page, "现在发布，截止")
    await saved(page)


async def lose_line_and_session(page: "Page", site: Site) -> None:
    """What is typed without a connection is there after a reload, and reaches Office with the next one."""

    async def accept(dialog: "Dialog") -> None:
        await dialog.accept()

    page.on("dialog", accept)
    await page.route("**/api/office/v1/notices/*", lambda route: route.abort("internetdisconnected"))
    await page.get_by_label("附注").fill("此件公开发布")
    await says(page, "网络中断，内容保存在本浏览器中")
    await page.unroute("**/api/office/v1/notices/*")
    await page.reload()
    await expect(page.get_by_label("附注")).to_have_value("此件公开发布")
    await saved(page)
    await page.context.set_offline(True)
    await page.get_by_role("textbox", name="正文").press("Control+End")
    await page.keyboard.type("联系人：冯老师。")
    await says(page, "网络中断，内容保存在本浏览器中")
    await page.context.set_offline(False)
    await saved(page)
    # So it is with the session, while somebody types.
    await interruptions.end_the_session(page, site)
    await page.get_by_label("附注").fill("此件依申请公开")
    await interruptions.sign_in_again(page)
    await expect(page.get_by_label("附注")).to_have_value("此件依申请公开")
    await saved(page)


async def edit_in_two_tabs(page: "Page") -> None:
    """The tab that saves later is told, keeps what was typed there, and may replace the other version."""
    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(other.get_by_label("标题")).to_have_value(TITLE)
    await page.get_by_label("抄送").fill("教育部财务司")
    await saved(page)
    await other.get_by_label("主送机关").fill("各省级学生资助管理部门")
    await says(other, "您在另一个窗口于")
    await expect(other.get_by_label("主送机关")).to_have_value("各省级学生资助管理部门")
    await judge(other, "conflict")
    await other.get_by_role("button", name="改用已保存的版本").click()
    await expect(other.get_by_label("抄送")).to_have_value("教育部财务司")
    await other.get_by_role("button", name="恢复我的内容").click()
    await other.get_by_label("抄送").fill("教育部财务司")
    await saved(other)
    await page.get_by_label("印发机关").fill("全国学生资助管理中心办公室")
    await says(page, "您在另一个窗口于")
    await page.get_by_role("button", name="以我的内容覆盖").click()
    await saved(page)
    await other.close()
    await page.get_by_label("主送机关").fill("各省级学生资助管理部门")
    await saved(page)


async def review(page: "Page", site: Site) -> None:
    """The reviewer comes by the task."""
    await page.get_by_role("link", name=f"审核《{TITLE}》").click()
    await page.get_by_role("heading", level=1, name=TITLE).wait_for()
    await judge(page, "review")
    await page.get_by_role("button", name="审核通过").click()
    dialog = page.get_by_role("dialog")
    opinion = dialog.get_by_label("审核意见")
    await opinion.fill("同意")
    await interruptions.lose_the_line(page, dialog.get_by_role("button", name="审核通过"), opinion)
    await interruptions.lose_the_session(page, site)
    await page.get_by_role("button", name="审核通过").click()
    await expect(opinion).to_have_value("同意")
    await dialog.get_by_role("button", name="审核通过").click()
    await expect(page.get_by_role("status").filter(has_text="审核通过，等待签发")).to_be_focused()


async def issue(page: "Page", site: Site) -> str:
    """The issuer sets up the numbers and issues the notice; return its number."""
    await page.get_by_role("button", name="新增机关代字").click()
    await page.get_by_role("dialog").get_by_label("机关代字").fill("教助中心")
    await judge(page, "series")
    await page.get_by_role("button", name="保存").click()
    await page.get_by_role("button", name="起始号").click()
    await page.get_by_role("spinbutton", name="起始号").fill("11")
    await page.get_by_role("button", name="保存").click()
    number = f"教助中心〔{site.clock.now().year}〕11号"
    await says(page, number)
    await judge(page, "numbers")
    await page.goto(f"{site.url}/notices/outbox?status=reviewed")
    await page.get_by_role("link", name=TITLE).click()
    await page.get_by_role("button", name="签发", exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text(number)).to_be_visible(timeout=PATIENCE * 1000)
    confirm = dialog.get_by_role("button", name="确认签发并发布")
    await expect(confirm).to_be_disabled()
    await dialog.get_by_label("确认送达 1 个单位").check()
    await judge(page, "issue")
    await confirm.click()
    await says(page, f"已签发并发布：{number}，送达 1 个单位。")
    await judge(page, "issued")
    return number


async def use_a_template(page: "Page", site: Site) -> None:
    """A template is written, filled in for a draft, and retired."""
    await page.goto(f"{site.url}/notices/outbox/templates/new")
    await page.get_by_label("模板名称").fill("会议通知")
    await page.get_by_label("标题").fill("关于召开{{会议名称}}的通知")
    await page.get_by_role("textbox", name="正文").click()
    await page.keyboard.type("请准时参加。")
    await page.get_by_label("“会议名称”的填写说明").fill("全称")
    await page.get_by_role("button", name="保存").click()
    await page.get_by_role("link", name="会议通知").click()
    await expect(page.get_by_label("“会议名称”的填写说明")).to_have_value("全称")
    await judge(page, "template")
    await page.get_by_role("link", name="用此模板起草").click()
    await page.get_by_role("button", name="开始编写").wait_for()
    await page.get_by_label("会议名称", exact=True).fill("工作会议")
    await judge(page, "draft from a template")
    await page.get_by_role("button", name="开始编写").click()
    await expect(page.get_by_label("标题")).to_have_value("关于召开工作会议的通知")
    await page.goto(f"{site.url}/notices/outbox/templates")
    await page.get_by_role("button", name="停用 会议通知").click()
    await judge(page, "retire a template")
    await page.get_by_role("dialog").get_by_role("button", name="停用").click()
    await expect(page.get_by_role("status").filter(has_text="模板已停用")).to_be_focused()


async def test_a_notice_is_written_reviewed_issued_and_received(
    site: Site, new_page: NewPage, tmp_path: Path
) -> None:
    drafter = await arrive(new_page, site, DRAFTER, "/notices/outbox")
    await says(drafter, "本单位还没有发文")
    await judge(drafter, "outbox")
    await drafter.get_by_role("link", name="起草通知").click()
    await drafter.get_by_role("button", name="开始编写").click()
    await drafter.get_by_label("标题").wait_for()
    await write(drafter, tmp_path)
    await judge(drafter, "compose")
    await drafter.set_viewport_size({"width": PHONE.width, "height": PHONE.height})
    await judge(drafter, "compose on a phone")
    await drafter.set_viewport_size({"width": DESKTOP.width, "height": DESKTOP.height})
    await drafter.get_by_label("密级").select_option("机密")
    await says(drafter, "本系统为非涉密系统，不得起草")
    await drafter.get_by_label("密级").select_option("无")
    await lose_line_and_session(drafter, site)
    await edit_in_two_tabs(drafter)
    await drafter.get_by_role("button", name="送审").click()
    await drafter.get_by_role("dialog").get_by_role("button", name="送审").click()
    await says(drafter, "已送审，等待审核。")
    await review(await arrive(new_page, site, REVIEWER, "/tasks"), site)
    issuer = await arrive(new_page, site, ISSUER, "/notices/outbox/numbers")
    number = await issue(issuer, site)
    recipient = await arrive(new_page, site, PROVINCE, "/notices", PHONE)
    await says(recipient, number)
    await recipient.get_by_role("link", name=TITLE).click()
    await recipient.get_by_role("heading", level=1, name=TITLE).wait_for()
    await issuer.get_by_role("button", name="撤回").click()
    await issuer.get_by_label("原因").fill("会议时间调整，另行通知。")
    await issuer.get_by_role("dialog").get_by_role("button", name="撤回").click()
    await says(issuer, "撤回原因：会议时间调整，另行通知。")
    await recipient.reload()
    await says(recipient, "撤回原因：会议时间调整，另行通知。")
    await use_a_template(issuer, site)
