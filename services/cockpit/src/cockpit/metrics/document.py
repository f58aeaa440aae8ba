"""Writes docs/metrics.md: `python -m cockpit.metrics.document PATH`; `make snapshots` calls it."""

import sys
from pathlib import Path

from cockpit.metrics import dictionary
from cockpit.metrics.catalogue import Module
from cockpit.metrics.schemas import ComparisonOut, ExampleOut, MetricOut

_HEAD = """\
<!-- Generated from services/cockpit/src/cockpit/metrics by `make snapshots`. -->
# Metrics

The figures of the cockpit. `GET /api/v1/metrics` answers the same for programs; `POST /api/v1/query` and
`GET /api/v1/views/{module}` give the values.

- Values are computed exactly and rounded once, half up (四舍五入): amounts, ratios and days to two decimals;
  persons, person-times and loans are whole.
- A value is missing, with its reason, if nothing has been reported (`no_data`, not the same as zero), if a
  ratio or a comparison has no base (`no_base`), if there are no such figures for the place or the condition
  (`not_kept`), or if so few persons are behind it that it is not shown (`suppressed`).
- Calendars: 自然年 `2024`; 学年 `2024` is 2024–2025; 学期 `2024-spring`, `2024-autumn`, and `2024-year` for
  grants for a whole year; 月 `2024-03`. Payments, flows and loans have dates and so months. Awards have a
  term and enrolment and hardship lists a school year: there are no months of them.
- 地方财政 of awards is not divided into 省, 市 and 县, because awards do not say so; flows of funds do, by
  转出层级. 办学性质, 城乡 and 寄宿 are known of enrolment only.
- The second part of 应助已助 is told apart by the dimensions that awards have: 孤儿 who were aided are the
  persons listed as such who received any aid in the school year.
- Each example is a test: its rows go in through the intake, and the API gives the figure.
"""


def document() -> str:
    """Return the content of the document."""
    text = _HEAD
    for module in Module:
        text += f"\n## {module.label}\n" + "".join(map(_metric, dictionary.entries(module)))
    return text + "\n## 比较\n" + "".join(map(_comparison, dictionary.comparisons()))


def _metric(entry: MetricOut) -> str:
    lines = [
        f"\n### {entry.chinese} (`{entry.name}`)\n",
        f"{entry.definition}\n",
        f"- 公式：{entry.formula}",
        f"- 单位：{entry.unit}；{'分项可以相加' if entry.additive else '分项不能相加'}",
        f"- 口径：{entry.scope}",
        f"- 来源：{'、'.join(f'{feed.label} `{feed}`' for feed in entry.feeds)}",
        f"- 责任单位：{entry.owner}；自 {entry.valid_from} 起",
    ]
    for offered in entry.offered:
        groups = "；".join("×".join(one.label for one in group) for group in offered.groupings)
        schools = "，学校也有合计" if offered.schools else ""
        lines.append(f"- 按{offered.calendar.label}：{groups or '合计'}{schools}")
    return "\n".join([*lines, *_example(entry.example, entry.unit)]) + "\n"


def _comparison(entry: ComparisonOut) -> str:
    lines = [
        f"\n### {entry.chinese} (`{entry.name}`)\n",
        f"{entry.definition}\n",
        f"- 公式：{entry.formula}",
        f"- 单位：{entry.unit}",
        f"- 条件：{entry.condition}",
    ]
    return "\n".join([*lines, *_example(entry.example, "")]) + "\n"


def _example(example: ExampleOut | None, unit: str) -> list[str]:
    if example is None:
        return []
    rows = [f"  - {row}" for row in example.rows]
    result = f"{example.value} {unit}".strip()
    return ["- 算例：", *rows, f"  - {example.asked}：{example.work} = **{result}**"]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
