"""资助概览: awards in a unit's subtree in a year, and the published figures of the unit."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.cells.rules import Calendar, Dimension, Tree, grouping
from cockpit.cells.service import Ask, CellRow, Cells
from cockpit.directory.models import Unit
from cockpit.directory.schemas import UnitBrief
from cockpit.directory.service import Units
from cockpit.intake.feeds import FeedName
from cockpit.intake.rules import FUNDING, PUBLISHED_STAGES, STAGES
from cockpit.metrics.catalogue import METRICS, MetricName
from cockpit.overview import rules
from cockpit.overview.schemas import (
    Amount,
    Awards,
    CheckOut,
    Child,
    Overview,
    Own,
    Part,
    PublishedFigure,
    PublishedTable,
    Years,
)
from cockpit.published.models import PublishedLine
from cockpit.published.service import Published, YearTable
from contracts.vocabulary import UnitStatus
from servicekit.clock import Clock


class Overviews:
    """Build overviews for a viewer, from PostgreSQL alone: a view asks the store of facts nothing."""

    def __init__(
        self,
        clock: Clock,
        access: Access,
        units: Units,
        cells: Cells,
        published: Published,
    ) -> None:
        self._clock = clock
        self._access = access
        self._units = units
        self._cells = cells
        self._published = published

    async def overview(self, actor: Principal, unit_id: UUID | None, year: int) -> Overview:
        """Return the overview of a unit (None: the viewer's).

        Raises `UnitNotFound`, `UnitOutOfReach`, `FiguresIncomplete`.
        """
        unit = await self._access.unit(actor, unit_id, "overview")
        below = await self._units.children(unit)
        as_of = await self._cells.as_of(self._clock.now())
        ask = partial(Ask, FeedName.AWARD, Tree.AUTHORITY, Calendar.YEAR, [unit.code], [str(year)])
        whole, stages, funding, parts = await self._cells.ask(
            [
                ask(),
                ask(by=grouping(Dimension.STAGE)),
                ask(by=grouping(Dimension.FUNDING)),
                ask(below=True),
            ]
        )
        published = await self._published.of_year(unit, year)
        total = whole[0] if whole else None
        own, children = _children(below, total, {row.code: row for row in parts})
        return Overview(
            unit=UnitBrief.model_validate(unit),
            year=year,
            as_of=as_of,
            awards=_awards(total, _by(Dimension.STAGE, stages), _by(Dimension.FUNDING, funding)),
            published=[_table(table) for table in published],
            own=own,
            children=children,
        )

    async def years(self, actor: Principal, unit_id: UUID | None) -> Years:
        """Return the years with any figure about a unit. Raises as `overview` does."""
        unit = await self._access.unit(actor, unit_id, "overview.years")
        await self._cells.as_of(self._clock.now())
        awards = await self._cells.periods(FeedName.AWARD, Tree.AUTHORITY, Calendar.YEAR, unit.code)
        published = await self._published.years(unit)
        years = sorted({*map(int, awards), *published})
        return Years(unit=UnitBrief.model_validate(unit), years=years)


Whole = CellRow | None


def _amount(row: Whole) -> Decimal:
    return Decimal(0) if row is None else row.amount


def _by(dimension: Dimension, rows: Iterable[CellRow]) -> dict[str, CellRow]:
    return {row.values[dimension]: row for row in rows}


def _children(units: Sequence[Unit], whole: Whole, below: Mapping[str, CellRow]) -> tuple[Own, list[Child]]:
    amount = _amount(whole) - sum((row.amount for row in below.values()), Decimal(0))
    times = (whole.times if whole else 0) - sum(row.times for row in below.values())
    rows = dict(below)
    children: list[Child] = []
    for child in units:
        found = rows.pop(child.code, None)
        if found is not None or child.status == UnitStatus.ACTIVE:
            children.append(_child(child.code, child, found))
    # A unit that has moved away keeps here what it received here.
    children += [_child(code, None, found) for code, found in sorted(rows.items())]
    return Own(amount=Amount.of(amount), person_times=times), children


def _of(row: dict[str, Any], source: str, scope: str, batch_id: UUID) -> bool:
    return (row["source"], row["scope"], row["batch_id"]) == (source, scope, batch_id)


def _awards(whole: Whole, stages: Mapping[str, CellRow], funding: Mapping[str, CellRow]) -> Awards:
    names: list[MetricName] = [MetricName.AID_AMOUNT, MetricName.AID_PERSON_TIMES, MetricName.AID_PERSONS]
    return Awards(
        amount=Amount.of(_amount(whole)),
        person_times=whole.times if whole else 0,
        persons=whole.persons if whole else 0,
        scope=METRICS[MetricName.AID_AMOUNT].scope,
        metrics=names,
        by_stage=_parts(STAGES, stages),
        by_funding=_parts(FUNDING, funding),
    )


def _parts(names: Mapping[str, str], rows: Mapping[str, CellRow]) -> list[Part]:
    return [
        Part(
            code=code,
            name=name,
            amount=Amount.of(row.amount),
            person_times=row.times,
            persons=row.persons,
        )
        for code, name in names.items()
        if (row := rows.get(code)) is not None
    ]


def _child(code: str, unit: Unit | None, row: Whole) -> Child:
    return Child(
        code=code,
        unit=None if unit is None else UnitBrief.model_validate(unit),
        amount=Amount.of(_amount(row)),
        person_times=row.times if row else 0,
        persons=row.persons if row else 0,
    )


def _table(table: YearTable) -> PublishedTable:
    source, scope = table.source, table.scope
    lines = [_line(line) for line in table.lines]

    def figure(
        metric: MetricName, line: rules.Line | None, stage: str | None = None
    ) -> PublishedFigure | None:
        if line is None:
            return None
        name = METRICS[metric].chinese
        return PublishedFigure(
            metric=metric,
            name=name if stage is None else f"{PUBLISHED_STAGES[stage]}{name.removeprefix('分学段')}",
            stage=stage,
            amount=Amount.of(line.amount),
            share_percent=None if line.share_percent is None else _plain(line.share_percent),
            persons=line.persons,
            scope=scope,
            source=source,
        )

    return PublishedTable(
        source=source,
        scope=scope,
        batch_id=table.batch_id,
        committed_at=table.committed_at,
        government=figure(MetricName.PUBLISHED_GOVERNMENT_AMOUNT, rules.total(lines, "government")),
        central=figure(MetricName.PUBLISHED_CENTRAL_AMOUNT, rules.total(lines, "central")),
        local=figure(MetricName.PUBLISHED_LOCAL_AMOUNT, rules.total(lines, "local")),
        all_sources=figure(MetricName.PUBLISHED_TOTAL_AMOUNT, rules.total(lines, "all")),
        stages=_present(
            figure(MetricName.PUBLISHED_STAGE_AMOUNT, line, line.stage)
            for line in sorted(rules.government_stages(lines), key=lambda line: _ORDER.index(line.stage))
        ),
        checks=[
            CheckOut(
                name=check.name,
                title=check.name.label,
                left=Amount.of(check.left),
                right=Amount.of(check.right),
                equal=check.equal,
            )
            for check in rules.checks(lines)
        ],
    )


def _line(line: PublishedLine) -> rules.Line:
    return rules.Line(
        stage=line.stage,
        funding=line.funding,
        is_total=line.is_total,
        amount=line.amount,
        share_percent=line.share_percent,
        persons=line.persons,
    )


_ORDER = list(PUBLISHED_STAGES)


def _present(figures: Iterable[PublishedFigure | None]) -> list[PublishedFigure]:
    return [figure for figure in figures if figure is not None]


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
