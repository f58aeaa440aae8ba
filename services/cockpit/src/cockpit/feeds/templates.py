"""Templates of feeds: the headings to fill in under, with the allowed values."""

import io

from cockpit.feeds.declarations import Feed
from filekit.cells import csv_line
from filekit.xlsx_writer import Column, Notes, SheetWriter

_OFFERED = 255
"""Characters of the list of values that Excel offers in a cell; a longer one is only in the notes."""


def csv_template(feed: Feed) -> bytes:
    """Return the headings as CSV, with a byte order mark for Excel."""
    return ("\ufeff" + csv_line(column.chinese for column in feed.columns)).encode()


def xlsx_template(feed: Feed) -> bytes:
    """Return a workbook with the headings, lists to choose from, and a sheet that explains each column."""
    columns = []
    for column in feed.columns:
        words = list(column.kind.values.values())
        offered = words if len(",".join(words)) <= _OFFERED else []
        columns.append(Column(column.chinese, max(12, 2 * len(column.chinese) + 4), offered))
    notes = [["填写说明"], [feed.meaning], [], ["列", "代码", "必填", "规则", "说明", "示例", "可用的值"]]
    for column in feed.columns:
        words = [f"{name}（{code}）" for code, name in column.kind.values.items()]
        notes.append(
            [
                f"“{column.chinese}”",
                column.name,
                "是" if column.required else "否",
                column.kind.rule,
                column.meaning,
                column.example,
                "、".join(words),
            ]
        )
    notes += [[], ["各列之间"], *([check.reason] for check in feed.checks)]
    out = io.BytesIO()
    writer = SheetWriter(out, feed.title[:31], columns)
    writer.close(Notes("填写说明", notes))
    return out.getvalue()
