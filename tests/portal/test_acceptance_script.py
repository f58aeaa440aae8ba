"""The acceptance script of a national notice, steps 1 to 5, at the portal's pages over the BFF.

One centre, 江苏, 山东, 兵团, 青岛 and two universities with everything below them: 1,016 units that receive,
with two people each. In Chromium: the centre writes, issues, reads every figure and reminds; a province, a
university, a city, a county that withholds, its school and the 中心校 below the school receive, sign and
forward. The other 1,010 units make the same calls over the BFF, each in a session of its own; the sessions
are put into the database (`many_sessions`). That people have read the notice is put there, too, except for
those at a page. Office and the browsers are in April 2023, when the notice was sent; Identity and the portal
have the machine's time, by which tokens are verified.

Step 6, a teacher who joins by an invite, is in `test_administration`; step 16, who may enter the cockpit, in
`test_cockpit`.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from playwright.async_api import expect
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from contracts.vocabulary import Role
from identity import bootstrap
from office.coverage.jobs import recount
from office.directory.models import Person, Unit
from office.receipts.models import Read
from servicekit.clock import SHANGHAI
from services.identity.tests.support.running_identity import filled
from testkit.browsers import DESKTOP, PHONE, NewPage, Screen
from testkit.clock import FrozenClock, RunningClock
from testkit.waiting import moments

from .conftest import NewVisitor, Site, Visitor
from .many_sessions import signed_in
from .support import judge, phone_of, sign_in
from .test_drafting import PASTE, REVIEWER, saved, says

if TYPE_CHECKING:
    from playwright.async_api import Page

    from testkit.postgres import Migration

pytestmark = pytest.mark.usefixtures("built")

THURSDAY = datetime(2023, 4, 27, 10, 0, tzinfo=SHANGHAI)
TITLE = "关于召开全国学生资助办公系统与全国学生资助大数据平台上线运行启动会暨开展系统应用培训工作的通知"
NUMBER = "教助中心〔2023〕11号"
MEETING = "https://meeting.tencent.com/l/2HeEj5xhcNEH"
BODY = (
    "<p>定于2023年5月10日召开上线运行启动会暨系统应用培训会。会议议程：</p>"
    "<ol><li>部署上线运行及全面应用工作</li><li>开展系统功能应用培训</li><li>组织上机操作与考试</li></ol>"
    f'<p>直播链接：<a href="{MEETING}">{MEETING}</a></p><p>直播密码：051023</p>'
)
COVER = "现将通知转发给你们，请认真组织参会，做到不漏一校、不漏一人。"
CENTRE, PROVINCE, UNIVERSITY, CITY = "100000", "370000", "4132010284", "370100"
COUNTY, SCHOOL, TEACHING_POINT = "370102", "S3701020001", "C3701020001"
CUT_OFF = {SCHOOL, "S3701020002", TEACHING_POINT}
"""Below the county that withholds."""
AT_PAGES = {PROVINCE, UNIVERSITY, CITY, COUNTY, SCHOOL, TEACHING_POINT}
NOT_READING = {"S3701020002", "S3201020002"}
"""The administrators of these do not open the notice."""


async def since_before_2023(url: str) -> None:
    """World S, which has stood for some time when the notice is sent."""
    await filled(url, bootstrap.world("s", dev=True), founded=THURSDAY - timedelta(days=100))


@pytest.fixture
def world() -> "Migration":
    return since_before_2023


@pytest.fixture
def office_clock() -> FrozenClock:
    return RunningClock(THURSDAY)


class Country:
    """The units that make their calls without a browser, and the notice on its way."""

    def __init__(self, site: Site, people: dict[str, Visitor], units: list[Unit]) -> None:
        self._people = people
        parents = {unit.parent_id for unit in units}
        self._forwarding = {unit.code for unit in units if unit.id in parents}
        self.waves: dict[int, list[str]] = {}
        for unit in units:
            self.waves.setdefault(unit.path.count("."), []).append(unit.code)
        self.notice = ""
        self.site = site

    async def post(self, code: str, what: str, **body: str) -> None:
        """Make a call of the notice's page."""
        answer = await self._people[code].call(
            "POST",
            f"/api/office/v1/notices/{self.notice}/{what}",
            json=body,
            headers={"idempotency-key": str(uuid4())},
        )
        assert answer.status_code == 201, answer.text

    async def receive(self, codes: Iterable[str]) -> None:
        """Have units sign, and forward if there are units below, a few at a time; not those at a page."""
        gate = asyncio.Semaphore(8)

        async def one(code: str) -> None:
            async with gate:
                await self.post(code, "sign")
                if code in self._forwarding:
                    await self.post(code, "forward", cover_text=COVER)

        await asyncio.gather(*(one(code) for code in codes if code not in AT_PAGES))

    async def have_read(self) -> None:
        """Record that everybody but two people has opened the notice."""
        async with self.site.office.state.database.transaction() as session:
            below = select(Person.sub, Person.unit_id, Person.roles, Unit.code).join(
                Unit, Unit.id == Person.unit_id
            )
            rows = [
                {"notice_id": UUID(self.notice), "sub": sub, "unit_id": unit_id, "read_at": THURSDAY}
                for sub, unit_id, roles, code in await session.execute(below.where(Unit.code != CENTRE))
                if code not in NOT_READING or Role.UNIT_ADMIN not in roles
            ]
            await session.execute(insert(Read).on_conflict_do_nothing(), rows)
            await recount(session, UUID(self.notice))


async def directory(site: Site) -> list[Unit]:
    """The units, once Office has them and their people."""
    async for _ in moments():
        async with site.office.state.database.transaction() as session:
            if await session.scalar(select(func.count()).select_from(Person)) == 3 + 2_032:
                return list((await session.scalars(select(Unit))).all())
    raise AssertionError("Office has not got everybody")


async def at_page(new_page: NewPage, site: Site, phone: str, path: str, screen: Screen = DESKTOP) -> "Page":
    """A person at a page, on that Thursday."""
    page = await new_page(screen)
    # Only what the time is: timers run.
    await page.clock.set_fixed_time(THURSDAY)
    await sign_in(page, site, phone, path)
    return page


async def write(page: "Page", site: Site, file: Path) -> None:
    """The centre sets up its numbers, writes the notice and sends it to its reviewer."""
    await page.get_by_role("button", name="新增机关代字").click()
    await page.get_by_role("dialog").get_by_label("机关代字").fill("教助中心")
    await page.get_by_role("button", name="保存").click()
    await page.get_by_role("button", name="起始号").click()
    await page.get_by_role("spinbutton", name="起始号").fill("11")
    await page.get_by_role("button", name="保存").click()
    await says(page, NUMBER)
    await page.goto(f"{site.url}/notices/outbox/new")
    await page.get_by_role("button", name="开始编写").click()
    await page.get_by_label("标题").fill(TITLE)
    await page.get_by_role("textbox", name="正文").click()
    await page.evaluate(PASTE, BODY)
    await page.get_by_label("附件", exact=True).set_input_files(file)
    await expect(page.get_by_label("附件 1 的名称")).to_have_value(file.stem)
    await page.get_by_label("密级").select_option("机密")
    await says(page, "本系统为非涉密系统，不得起草")
    await page.get_by_label("密级").select_option("无")
    await page.get_by_label("直接下级").check()
    await says(page, "将送达 6 个单位")
    await page.get_by_label("办理期限").select_option("发布后若干工作日")
    await page.get_by_label("工作日数").fill("5")
    # Saturday 6 May is a workday, the first three days of May are none.
    await says(page, "现在发布，截止 2023-05-08 23:59")
    await saved(page)
    await page.get_by_role("button", name="送审").click()
    await page.get_by_role("dialog").get_by_role("button", name="送审").click()
    await says(page, "已送审，等待审核。")


async def approve(page: "Page") -> None:
    """The reviewer comes by the task."""
    await page.get_by_role("link", name=f"审核《{TITLE}》").click()
    await page.get_by_role("button", name="审核通过").click()
    await page.get_by_role("dialog").get_by_role("button", name="审核通过").click()
    await says(page, "审核通过，等待签发")
    await page.close()


async def issue(page: "Page") -> str:
    """The centre issues the notice; return its id."""
    await page.reload()
    await page.get_by_role("button", name="签发", exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text(NUMBER)).to_be_visible()
    await dialog.get_by_label("确认送达 6 个单位").check()
    await dialog.get_by_role("button", name="确认签发并发布").click()
    await says(page, f"已签发并发布：{NUMBER}，送达 6 个单位。")
    return page.url.rpartition("/")[2].partition("?")[0]


async def receive(page: "Page", forwarded_to: int | None) -> None:
    """A unit signs at the page of the notice, and forwards it with words of its own if it has units below."""
    await page.get_by_role("heading", level=1, name=TITLE).wait_for()
    await page.get_by_role("button", name="签收").click()
    await expect(page.get_by_role("status").filter(has_text="已签收")).to_be_focused()
    if forwarded_to is not None:
        await forward(page, forwarded_to)


async def forward(page: "Page", count: int) -> None:
    """A unit forwards at the page of the notice."""
    await page.get_by_role("button", name="转发下级").click()
    dialog = page.get_by_role("dialog", name="转发通知")
    await dialog.get_by_label("转发意见").fill(COVER)
    await dialog.get_by_role("button", name="转发下级").click()
    await says(page, f"已转发，新送达 {count} 个单位。")


async def shows(page: "Page", name: str, count: str) -> None:
    """Wait for a figure of the page of coverage."""
    figures = page.get_by_role("region", name="办理情况")
    line = figures.get_by_role("listitem").filter(has_text=name)
    await expect(line).to_contain_text(count)


@pytest.mark.long
async def test_a_national_notice_reaches_everybody(
    site: Site, new_page: NewPage, new_visitor: NewVisitor, tmp_path: Path
) -> None:
    units = await directory(site)
    country = Country(site, await signed_in(site, new_visitor, Role.HANDLER), units)
    annex = tmp_path / "系统简介.txt"
    annex.write_text("部署及应用模式：一级部署、六级应用。", "utf-8")
    centre = await at_page(new_page, site, phone_of(CENTRE), "/notices/outbox/numbers")
    await write(centre, site, annex)
    await approve(await at_page(new_page, site, REVIEWER, "/tasks"))
    country.notice = await issue(centre)
    path = f"/notices/{country.notice}"

    async def reached(delivered: str) -> None:
        await centre.goto(f"{site.url}{path}/coverage")
        await shows(centre, "已送达", f"{delivered} / 1,016")
        # The page counts again with each change: not a thousand times.
        await centre.goto("about:blank")

    async def receives(code: str, forwarded_to: int | None, screen: Screen = DESKTOP) -> "Page":
        page = await at_page(new_page, site, phone_of(code), path, screen)
        await receive(page, forwarded_to)
        return page

    # Each level signs and forwards: 6, 60, 265, 464 and 221 units, less those below one county.
    await reached("6")
    province = await receives(PROVINCE, 15)
    await expect(province.get_by_role("link", name=MEETING)).to_have_attribute("href", MEETING)
    for words in ("直播密码：051023", "组织上机操作与考试", "系统简介", "2023-05-08 23:59", "2023年4月27日"):
        await says(province, words)
    await province.close()
    await (await receives(UNIVERSITY, 5)).close()
    await country.receive(country.waves[1])
    await reached("66")
    city = await receives(CITY, 12)
    await expect(city.get_by_role("region", name="各级转发意见")).to_contain_text(COVER)
    await city.close()
    await country.receive(country.waves[2])
    await reached("331")
    county = await receives(COUNTY, None, PHONE)
    await country.receive(country.waves[3])
    await reached("793")
    await country.receive(set(country.waves[4]) - CUT_OFF)
    await reached("1,013")
    await country.receive(country.waves[5])

    # One county of 山东 withholds, and whom it keeps from the notice is named.
    await centre.goto(f"{site.url}{path}/coverage")
    await shows(centre, "已签收", "1,013 / 1,016")
    blockers = centre.get_by_role("region", name="未转发的单位")
    await expect(blockers).to_contain_text("1 个单位未转发，致使 3 个单位收不到通知")
    await expect(blockers.get_by_role("listitem")).to_have_count(1)
    await expect(blockers.get_by_role("button", name="历下区学生资助管理中心", exact=True)).to_be_visible()
    await centre.get_by_role("button", name="未办单位").click()
    missing = centre.get_by_role("table", name="未办单位").get_by_role("row")
    await expect(missing).to_have_count(1 + 3)
    for code in CUT_OFF:
        row = missing.filter(has_text=code)
        await expect(row).to_contain_text("未送达")
        await expect(row).to_contain_text("历下区学生资助管理中心")
    await judge(centre, "one county withholds")

    # 催办: the county forwards, its school too, and everybody has signed.
    await centre.get_by_role("button", name="催办").first.click()
    dialog = centre.get_by_role("dialog", name="催办")
    await expect(dialog).to_contain_text("最多提醒 0 个已送达的单位签收、1 个单位转发")
    await dialog.get_by_role("button", name="发送催办").click()
    await expect(dialog.get_by_text("已提醒 ")).to_contain_text("1 个单位转发")
    await dialog.get_by_role("button", name="关闭").last.click()
    await forward(county, 2)
    refresh = centre.get_by_role("button", name="刷新", exact=True)
    await refresh.click()
    await shows(centre, "已送达", "1,015 / 1,016")
    await country.receive({"S3701020002"})
    await receives(SCHOOL, 1, PHONE)
    await refresh.click()
    await shows(centre, "已送达", "1,016 / 1,016")
    await receives(TEACHING_POINT, None, PHONE)
    await refresh.click()
    await shows(centre, "已签收", "1,016 / 1,016")
    await expect(centre.get_by_text("全部 1,016 个单位已签收，不漏一地、不漏一校。")).to_be_visible()
    await expect(blockers).to_have_count(0)
    await country.have_read()
    await refresh.click()
    await shows(centre, "已阅人数", "2,030 / 2,032")
    await shows(centre, "已签收", "1,016 / 1,016")
