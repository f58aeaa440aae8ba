"""The ministry at the cockpit's pages: the whole country, its map, an address that says it all, paper."""

import io
import re
import unicodedata
from typing import TYPE_CHECKING

from playwright.async_api import expect
from pypdf import PdfReader

from .support import judge

if TYPE_CHECKING:
    from playwright.async_api import Page

    from .conftest import Site

SHANDONG = (0.687, 0.502)
"""In the rectangle of the map of the country, from its left and upper edge."""
RATIO = 1.519
"""Of that rectangle, width to height."""
MARGIN = 4


async def beside_the_map(page: "Page") -> None:
    """计划单列市 and 兵团 have tiles of their own, and are not among the provinces."""
    tiles = page.locator(".apart").get_by_role("link")
    for name, mark, amount in (("青岛市", "计划单列市", "20000.00"), ("新疆生产建设兵团", "兵团", "8000.00")):
        tile = tiles.filter(has_text=name)
        await expect(tile).to_contain_text(mark)
        await expect(tile.locator(".figure")).to_have_attribute("title", amount)
    order = page.get_by_role("list", name="下级单位")
    await expect(order.get_by_role("link", name="山东省")).to_be_visible()
    await expect(order.get_by_text("青岛市")).to_have_count(0)


async def addressed(page: "Page") -> None:
    """What is chosen is in the address: a page that is loaded again shows the same."""
    await page.get_by_label("时期").select_option("2023")
    await expect(page.get_by_label("时期")).to_have_value("2023")
    await page.get_by_label("地图显示的指标").select_option(label="资助人次")
    await page.get_by_role("group", name="教育类别").get_by_role("link", name="基础教育").click()
    await page.wait_for_url(re.compile(r"(?=.*period=2023)(?=.*show-map=)(?=.*sector=basic)"))
    address = page.url
    await page.reload()
    await expect(page.get_by_role("heading", name="按资助人次排序")).to_be_visible()
    await expect(page.get_by_label("时期")).to_have_value("2023")
    await expect(page.get_by_role("link", name="基础教育")).to_have_attribute("aria-current", "true")
    assert page.url == address


async def on_paper(page: "Page") -> None:
    """The PDF has the key figures, what they are of, and nothing that is for clicking."""
    amount = page.locator(".figure-tile", has=page.get_by_role("heading", name="资助金额", exact=True))
    figure = re.sub(r"\s", "", await amount.locator(".figure-main").inner_text())
    pages = PdfReader(io.BytesIO(await page.pdf(prefer_css_page_size=True))).pages
    # A glyph may be that of a radical, too.
    whole = unicodedata.normalize("NFKC", "".join(one.extract_text() for one in pages))
    text = re.sub(r"\s", "", whole)
    about = ("全国·资助概览", "时期:2024年", "统计口径:按隶属关系", "数据截至")
    for words in (*about, f"资助金额{figure}", "计划单列市2万元", "兵团8,000.00元"):
        assert words in text, (words, text)
    for words in ("打印/存为PDF", "大屏模式", "导出", "↕"):
        assert words not in text


async def by_the_map(page: "Page") -> None:
    """A click on a province goes down to it."""
    canvas = page.locator(".map-main canvas")
    await canvas.scroll_into_view_if_needed()
    box = await canvas.bounding_box()
    assert box is not None
    width, height = box["width"] - 2 * MARGIN, box["height"] - 2 * MARGIN
    wide, high = min(width, height * RATIO), min(height, width / RATIO)
    x, y = MARGIN + (width - wide) / 2 + wide * SHANDONG[0], MARGIN + (height - high) / 2 + high * SHANDONG[1]
    await canvas.click(position={"x": x, "y": y})
    await page.get_by_role("heading", level=1, name="山东省 · 资助概览").wait_for()


async def funnel(page: "Page") -> None:
    """Of what was 下达 to a province, so much was 拨付 and so much 发放."""
    await page.get_by_role("link", name="资助资金").click()
    await page.get_by_role("heading", level=1, name="山东省 · 资助资金").wait_for()
    steps = page.get_by_role("region", name="资金下达、拨付、发放").get_by_role("listitem")
    for at, (name, amount) in enumerate((("下达", "80000.00"), ("拨付", "60000.00"), ("发放", "30000.00"))):
        await expect(steps.nth(at)).to_contain_text(name)
        await expect(steps.nth(at).locator(".figure").first).to_have_attribute("title", amount)
    await expect(steps.last).to_contain_text("37.50%")
    await judge(page, "funds")


async def look_at_the_country(page: "Page", site: "Site") -> None:
    """From the country to a province, by what the pages show."""
    await beside_the_map(page)
    await judge(page, "country")
    await on_paper(page)
    await addressed(page)
    await page.goto(f"{site.url}/cockpit/overview")
    await by_the_map(page)
    await funnel(page)
