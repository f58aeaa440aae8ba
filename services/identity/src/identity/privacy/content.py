"""The file of an export: JSON for programs, HTML for people, in one archive. Pure."""

import html
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.vocabulary import Vocabulary
from servicekit.clock import SHANGHAI

Rows = Sequence[Mapping[str, Any]]
_HEAD = (
    '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>我的个人信息</title><style>'
    "body{font:16px/1.6 sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin-bottom:1.5rem}"
    "th,td{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    "th{background:#f2f2f2}</style></head><body>"
)


def shown(value: Any) -> str:
    """Return a value as people read it: words of a vocabulary by their label, times in Beijing time."""
    if value is None or value == "":
        return "—"
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Vocabulary):
        return value.label
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list | tuple):
        return "、".join(shown(one) for one in value) or "—"
    return str(value)


def as_html(sections: Mapping[str, Rows], at: datetime) -> str:
    """Return the page: a table for each section."""
    parts = [_HEAD, f"<h1>我的个人信息</h1><p>导出时间：{shown(at)}（北京时间）</p>"]
    for title, rows in sections.items():
        parts.append(f"<h2>{html.escape(title)}</h2>")
        if not rows:
            parts.append("<p>无</p>")
            continue
        names = list(rows[0])
        head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(shown(row[name]))}</td>" for name in names) + "</tr>"
            for row in rows
        )
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return "".join([*parts, "</body></html>"])


def as_json(sections: Mapping[str, Rows], at: datetime) -> str:
    """Return the same for programs; words of a vocabulary as they are, times in UTC (ISO 8601)."""
    whole = {"导出时间": at, **{title: list(rows) for title, rows in sections.items()}}
    return json.dumps(
        whole,
        ensure_ascii=False,
        indent=1,
        default=lambda value: value.isoformat() if isinstance(value, datetime) else str(value),
    )


def archive(sections: Mapping[str, Rows], at: datetime) -> bytes:
    """Return both in a ZIP file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("个人信息.html", as_html(sections, at))
        target.writestr("个人信息.json", as_json(sections, at))
    return buffer.getvalue()
