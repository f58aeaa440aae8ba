"""资助概览 as a table. Pure."""

from collections.abc import Iterable
from datetime import datetime

from cockpit.exports import rules
from cockpit.exports.rules import Asker, Table
from cockpit.overview.schemas import Amount, Overview, Part
from filekit.xlsx_writer import Cell

_HEADINGS = ("范围", "单位代码", "单位名称", "分项", "金额（元）", "人次", "人数")


def table_of(overview: Overview, now: datetime, asker: Asker) -> Table:
    """Return the figures of an overview with exact values: the unit, its parts, and the units below."""
    unit, awards = overview.unit, overview.awards

    def row(
        scope: str, code: str, name: str, part: str, amount: Amount | None, *counts: int | None
    ) -> list[Cell]:
        yuan = rules.amount(None if amount is None else amount.yuan)
        return [scope, code, name, part, yuan, *(rules.count(one) for one in counts)]

    def parts(scope: str, found: Iterable[Part]) -> list[list[Cell]]:
        return [
            row(scope, unit.code, unit.name, one.name, one.amount, one.person_times, one.persons)
            for one in found
        ]

    rows = [
        row("合计", unit.code, unit.name, "", awards.amount, awards.person_times, awards.persons),
        *parts("按学段", awards.by_stage),
        *parts("按资金来源", awards.by_funding),
        [*row("本级", unit.code, unit.name, "", overview.own.amount, overview.own.person_times), None],
    ]
    for child in overview.children:
        name = "" if child.unit is None else child.unit.name
        counts = child.person_times, child.persons
        rows.append(row("下级单位", child.code, name, "", child.amount, *counts))
    notes = rules.notes(
        f"{unit.name}（{unit.code}），按隶属关系",
        f"{overview.year} 年（自然年）",
        [awards.scope],
        overview.as_of,
        now,
        asker,
    )
    return Table(f"资助概览{overview.year}", _HEADINGS, notes, rows)
