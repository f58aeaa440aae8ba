"""How rich text and the elements of a document become print, without printing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from office.printing import flow, rules
from office.printing.render import chosen_faces
from office.writing import richtext


def blocks(html: str) -> list[dict[str, Any]]:
    return flow.blocks_of(richtext.clean(html))


def texts(block: dict[str, Any]) -> str:
    return "".join(run.get("text", "\n") for run in block["runs"])


def test_paragraphs_and_headings_keep_their_emphasis() -> None:
    found = blocks(
        "<h2>一、标题</h2><p>甲<strong>乙<u>丙</u></strong>丁<br>戊</p><p style='text-align:right'>右</p>"
    )
    assert [(one["kind"], texts(one), one["align"]) for one in found] == [
        ("h2", "一、标题", None),
        ("p", "甲乙丙丁\n戊", None),
        ("p", "右", "right"),
    ]
    assert found[1]["runs"][2] == {"text": "丙", "b": True, "u": True}


def test_lists_become_items_with_markers_and_levels() -> None:
    found = blocks("<ol start=3><li>甲<ul><li>乙</li></ul></li><li><p>丙</p><p>丁</p></li></ol><p>戊</p>")
    assert [(one["kind"], one.get("marker"), one.get("level"), texts(one)) for one in found] == [
        ("item", "3.", 1, "甲"),
        ("item", "◦", 2, "乙"),
        ("item", "4.", 1, "丙"),
        ("item", "", 1, "丁"),
        ("p", None, None, "戊"),
    ]


def test_a_table_has_a_place_for_each_cell() -> None:
    [table] = blocks(
        "<table><thead><tr><th>甲<th>乙<th>丙</thead><tbody><tr><td rowspan=2>一<td colspan=2>二"
        "<tr><td>三<td><p>四</p><p>五</p></table>"
    )
    assert (table["rows"], table["head"], len(table["widths"])) == (3, 1, 3)
    places = [(cell["x"], cell["y"], cell["colspan"], cell["rowspan"]) for cell in table["cells"]]
    assert places == [
        (0, 0, 1, 1),
        (1, 0, 1, 1),
        (2, 0, 1, 1),
        (0, 1, 1, 2),
        (1, 1, 2, 1),
        (1, 2, 1, 1),
        (2, 2, 1, 1),
    ]
    assert [texts(one) for one in table["cells"][-1]["blocks"]] == ["四", "五"]


@pytest.mark.parametrize(
    "html",
    [
        "<table><tr><td colspan=999 rowspan=999>一<td>二<tr><td>三</table>",
        "<table><thead><tr><th rowspan=9>一</thead><tr><td>二</table>",
        "<table><tr><td rowspan=2>一<td rowspan=1>二<tr><td colspan=5>三<td>四</table>",
        "<table>" + "<tr>" + "<td>格" * 60 + "</table>",
        "<table><tr></tr></table>",
        "<table><thead><tr><th>只有表头</thead></table>",
        "<table><tr><td>外<table><tr><td>内</table></table>",
        "<td>没有表格</td>",
    ],
)
def test_cells_of_any_table_never_overlap(html: str) -> None:
    for table in [one for one in blocks(html) if one["kind"] == "table"]:
        taken: set[tuple[int, int]] = set()
        for cell in table["cells"]:
            for x in range(cell["x"], cell["x"] + cell["colspan"]):
                for y in range(cell["y"], cell["y"] + cell["rowspan"]):
                    assert (x, y) not in taken
                    assert x < len(table["widths"])
                    assert y < table["rows"]
                    assert cell["y"] >= table["head"] or y < table["head"]
                    taken.add((x, y))


def test_a_title_is_broken_into_even_lines_but_not_within_a_name() -> None:
    assert rules.title_lines("关于举办培训的通知") == ["关于举办培训的通知"]
    long = "关于转发《教育部办公厅关于做好2023年普通高等学校学生资助工作的通知》的通知"
    lines = rules.title_lines(long)
    assert "".join(lines) == long
    assert all(5 < len(line) <= rules.TITLE_LINE + 1 for line in lines)
    assert not any("2023" not in line and line[-1:].isdigit() for line in lines)
    assert not any(line[0] in "》，。" or line[-1] in "《" for line in lines)


def test_dates_are_those_of_beijing_without_zeros() -> None:
    assert rules.date_of(datetime(2023, 4, 30, 16, tzinfo=UTC)) == "2023年5月1日"


def test_salutation_and_copies_end_as_the_standard_says() -> None:
    assert rules.salutation(None) == "各有关单位："
    assert rules.salutation("各省： ") == "各省："
    assert rules.ended("甲，乙") == "甲，乙。"


def test_installed_fonts_of_the_standard_come_first() -> None:
    noto = {"Noto Serif CJK SC", "Noto Sans CJK SC"}
    chosen = chosen_faces({*noto, "FangSong_GB2312", "FZXiaoBiaoSong-B05S"})
    assert chosen is not None
    assert (chosen["fang"][0], chosen["biaosong"][0], chosen["weight"]) == (
        "FangSong_GB2312",
        "FZXiaoBiaoSong-B05S",
        "regular",
    )
    fallback = chosen_faces(noto)
    assert fallback is not None
    assert (fallback["fang"], fallback["hei"], fallback["weight"]) == (
        ["Noto Serif CJK SC"],
        ["Noto Sans CJK SC"],
        "bold",
    )
    assert chosen_faces({"DejaVu Sans"}) is None
