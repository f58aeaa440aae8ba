"""Notices as PDF in the layout of GB/T 9704-2012."""

import asyncio
import io
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream

from office.printing.errors import DocumentTooLong, PrintingUnavailable
from office.printing.printer import Printer
from services.office.tests.support.running_office import RunningOffice, a_draft

N = "/api/v1/notices"
MM = 72 / 25.4


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


async def printed(office: RunningOffice, notice: str, code: str = "100000", **query: str) -> PdfReader:
    response = await office.unit(code).get(f"{N}/{notice}/pdf", params=query)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/pdf"), response.text
    return PdfReader(io.BytesIO(response.content))


def words(page: PageObject) -> list[tuple[str, float, float, float]]:
    """Each piece of text with its left edge and baseline in mm from the top left, and its size in points."""
    found: list[tuple[str, float, float, float]] = []

    def visit(text: str, cm: Any, tm: Any, _font: Any, size: float) -> None:
        if text.strip():
            x = tm[4] * cm[0] + cm[4]
            y = tm[5] * cm[3] + cm[5]
            found.append((text.strip(), x / MM, 297 - y / MM, size * abs(tm[3] * cm[3])))

    page.extract_text(visitor_text=visit)
    return found


def lines(page: PageObject) -> Iterator[str]:
    """The text of each line of 3号, from the top."""
    rows: dict[int, str] = {}
    for text, _, y, size in words(page):
        if 15 < size < 17:
            rows[round(y)] = rows.get(round(y), "") + text
    return iter(rows[y] for y in sorted(rows))


def curves(page: PageObject) -> list[tuple[float, float]]:
    """The ends of all curves in mm; only the place of the seal has any."""
    contents = page.get_contents()
    assert contents is not None
    found: list[tuple[float, float]] = []
    shifts: list[tuple[float, float]] = [(0.0, 0.0)]
    for operands, operator in ContentStream(contents, page.pdf).operations:
        if operator == b"q":
            shifts.append(shifts[-1])
        elif operator == b"Q":
            shifts.pop()
        elif operator == b"cm":
            x, y = shifts[-1]
            shifts[-1] = (x + float(operands[4]), y + float(operands[5]))
        elif operator == b"c":
            x, y = shifts[-1]
            found.append(((x + float(operands[4])) / MM, (y + float(operands[5])) / MM))
    return found


async def test_a_notice_has_the_elements_of_the_standard_in_their_places(office: RunningOffice) -> None:
    changes: dict[str, Any] = {
        "urgency": "extra_urgent",
        "salutation": "各省级学生资助管理部门",
        "copies": "教育部办公厅",
        "remark": "此件公开发布",
        "printing_office": "中心办公室",
        "attachments": [{"name": "培训日程"}, {"name": "参训名额"}],
    }
    await office.unit("100000").post(
        "/api/v1/number-series", json={"prefix": "教助中心", "letterhead": "全国学生资助管理中心文件"}
    )
    notice = await office.published(**changes)
    pdf = await printed(office, notice)
    page = pdf.pages[0]
    assert [round(float(side) / MM) for side in (page.mediabox.width, page.mediabox.height)] == [210, 297]
    text = "".join(one.extract_text() for one in pdf.pages)
    for part in (
        "特急",
        "全国学生资助管理中心文件",
        "教助中心〔2023〕1号",
        "各省级学生资助管理部门：",
        "定于5月10日举办线上业务培训。",
        "附件：",
        "1.",
        "培训日程",
        "100000学生资助管理中心",
        "2023年4月27日",
        "（此件公开发布）",
        "抄送：",
        "教育部办公厅。",
        "中心办公室",
        "2023年4月27日印发",
        "— 1 —",
    ):
        assert part.replace(" ", "") in text.replace(" ", ""), part
    placed = {text: (x, y, size) for text, x, y, size in words(page)}
    urgency, head = placed["特急"], placed["全国学生资助管理中心文件"]
    assert (round(urgency[0]), 37 < urgency[1] < 45) == (28, True)
    # 35 mm below the top of the text area, of 37 mm.
    assert round(head[1] - head[2] / MM * 0.88) == 72
    number = next(place for text, place in placed.items() if text.startswith("教助中心"))
    assert number[1] > head[1] + 20
    # 版记 ends with the last line of the last page.
    last = {text: y for text, _, y, _ in words(pdf.pages[-1])}
    assert 297 - 35 - 8 < last["中心办公室"] < 297 - 35


async def test_a_page_holds_22_lines_of_28_characters(office: RunningOffice) -> None:
    notice = await office.published(body=f"<p>{'学' * 28 * 60}</p>")
    pdf = await printed(office, notice)
    full = list(lines(pdf.pages[1]))
    assert [len(line) for line in full] == [28] * 22
    left = {round(x) for text, x, _, size in words(pdf.pages[1]) if "学" in text}
    assert left == {28}
    ys = sorted({y for text, _, y, size in words(pdf.pages[1]) if "学" in text})
    assert 37 < ys[0] < 45
    assert ys[-1] < 297 - 35


async def test_page_numbers_are_outside(office: RunningOffice) -> None:
    notice = await office.published(body=f"<p>{'学' * 28 * 60}</p>")
    pdf = await printed(office, notice)
    numbers = [
        next((x, y) for text, x, y, _ in words(page) if text.replace(" ", "") == f"—{number}—")
        for number, page in enumerate(pdf.pages, start=1)
    ]
    assert all(x > 150 if index % 2 == 0 else x < 40 for index, (x, _) in enumerate(numbers))
    # 7 mm below the text area.
    assert all(297 - 35 + 6 < y < 297 - 35 + 14 for _, y in numbers)


async def test_the_seal_has_its_place_over_the_signature(office: RunningOffice) -> None:
    notice = await office.published()
    page = (await printed(office, notice)).pages[0]
    plain = (await printed(office, notice, seal="false")).pages[0]
    assert len(curves(page)) > len(curves(plain)) == 0
    xs = [x for x, _ in curves(page)]
    assert 41 < max(xs) - min(xs) < 43
    placed = {text: (x, y) for text, x, y, _ in words(page)}
    name, date = placed["100000学生资助管理中心"], placed["2023年4月27日"]
    # 成文日期 ends four characters before the right edge, and stands one line below 署名.
    assert 9 < date[1] - name[1] < 11.5
    assert date[0] < 210 - 26 - 4 * 156 / 28


async def test_no_page_has_a_signature_without_text(office: RunningOffice) -> None:
    for count in range(3, 8):
        body = f"<p>{'学' * 28}</p>" * count
        notice = await office.published(body=body, attachments=[{"name": "附学"}])
        texts = [page.extract_text() for page in (await printed(office, notice)).pages]
        signed = [text for text in texts if "100000学生资助管理中心\n2023年4月27日" in text]
        assert len(signed) == 1
        assert "学" * 10 in signed[0]


async def test_lists_and_tables_are_printed(office: RunningOffice) -> None:
    body = (
        "<ol><li>第一项<ul><li>分项</li></ul></li></ol><table><thead><tr><th>时间</th><th>内容</th></tr></thead>"
        "<tbody><tr><td rowspan='2'>上午</td><td>开幕</td></tr><tr><td>讲座</td></tr></tbody></table>"
    )
    notice = await office.published(body=body)
    text = (await printed(office, notice)).pages[0].extract_text()
    for part in ("1.", "第一项", "分项", "时间", "上午", "讲座"):
        assert part in text


async def test_markup_of_the_printer_is_only_text(office: RunningOffice) -> None:
    hostile = '#panic("x") $x^2$ *粗* @ref <label> \\ #read("/etc/passwd") {{变 量}} ]'
    notice = await office.published(
        title=hostile.replace("<label>", ""), body=f"<p>{hostile}</p>", remark=hostile
    )
    text = "".join(page.extract_text() for page in (await printed(office, notice)).pages)
    assert text.replace("\n", "").count('#read("/etc/passwd")') == 3


async def test_drafts_are_printed_with_a_watermark_for_their_unit_only(office: RunningOffice) -> None:
    made = await office.unit("100000").post(N, json=a_draft())
    notice = made.json()["id"]
    text = (await printed(office, notice)).pages[0].extract_text()
    assert "草" in text
    assert "〔" not in text
    assert code_of(await office.unit("370000").get(f"{N}/{notice}/pdf")) == (404, "not_found")


async def test_recipients_print_what_they_have(office: RunningOffice) -> None:
    notice = await office.published()
    assert "〔2023〕1号" in (await printed(office, notice, "370000")).pages[0].extract_text()
    assert code_of(await office.unit("370100").get(f"{N}/{notice}/pdf")) == (404, "not_found")
    await office.withdrawn(notice)
    assert code_of(await office.unit("370000").get(f"{N}/{notice}/pdf")) == (409, "notice_withdrawn")
    assert "已撤回" in (await printed(office, notice)).pages[0].extract_text()


async def test_a_document_with_too_many_pages_is_refused(office: RunningOffice) -> None:
    # A page has 22 lines: 318 pages.
    notice = await office.published(body="<p>页</p>" * 7_000)
    refused = await office.unit("100000").get(f"{N}/{notice}/pdf")
    assert code_of(refused) == (409, "document_too_long")


async def test_a_document_that_takes_too_long_is_stopped() -> None:
    began = time.monotonic()
    with pytest.raises(DocumentTooLong):
        await Printer(None).pdf({"body": []}, seconds=0)
    assert time.monotonic() - began < 10


async def test_a_defect_of_a_document_is_no_defect_of_the_service() -> None:
    with pytest.raises(PrintingUnavailable):
        await Printer(None).pdf({"no": "document"})


async def test_the_event_loop_turns_while_a_document_is_laid_out(office: RunningOffice) -> None:
    notice = await office.published()
    task = asyncio.create_task(office.unit("100000").get(f"{N}/{notice}/pdf"))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert (await task).status_code == 200
    assert turns > 10
