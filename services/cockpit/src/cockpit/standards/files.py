"""Policy standards as a workbook and as CSV, with how certain each figure is. Blocks: call it in a thread."""

import io
from collections.abc import Sequence
from datetime import datetime

from cockpit.standards.schemas import StandardOut
from filekit.cells import csv_line
from filekit.xlsx_writer import Column, Notes, SheetWriter
from servicekit.clock import SHANGHAI

_HEADINGS = (
    ("资助项目", 28),
    ("学段", 14),
    ("档次", 16),
    ("地区", 10),
    ("起始日期", 12),
    ("截止日期", 12),
    ("计发方式", 26),
    ("每学年天数", 10),
    ("标准（元）", 12),
    ("最低（元）", 12),
    ("最高（元）", 12),
    ("文号", 24),
    ("可信程度", 24),
    ("出处", 36),
    ("说明", 40),
)


def workbook(standards: Sequence[StandardOut], now: datetime) -> bytes:
    """Return a workbook; a second sheet says when it was made and how to read it."""
    out = io.BytesIO()
    writer = SheetWriter(out, "政策标准", [Column(heading, width) for heading, width in _HEADINGS])
    writer.write(_row(one) for one in standards)
    notes = [
        ["导出时间", f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"],
        ["条数", str(len(standards))],
        ["起始日期", "空为起始日期不详；春季学期从 3 月 1 日、秋季学期从 9 月 1 日起"],
        ["可信程度", "“已核对来源原文”以外的，引用前须核对文件原文"],
    ]
    writer.close(Notes("说明", notes))
    return out.getvalue()


def csv_file(standards: Sequence[StandardOut]) -> bytes:
    """Return CSV in UTF-8 with a byte order mark for Excel."""
    lines = [csv_line(heading for heading, _ in _HEADINGS), *(csv_line(_row(one)) for one in standards)]
    return ("\ufeff" + "".join(lines)).encode()


def _row(one: StandardOut) -> list[str]:
    return [
        one.programme_name,
        one.stage_name or "各学段",
        one.tier_name,
        "全国" if one.region == "000000" else one.region,
        "" if one.valid_from is None else one.valid_from.isoformat(),
        "" if one.valid_to is None else one.valid_to.isoformat(),
        one.basis_name,
        "" if one.days is None else str(one.days),
        one.amount or "",
        one.lowest or "",
        one.highest or "",
        one.document_number,
        one.certainty_name,
        one.source,
        one.note,
    ]
