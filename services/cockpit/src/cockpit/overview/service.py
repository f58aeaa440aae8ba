"""资助概览: awards in a unit's subtree in a year, and the published figures of the unit."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.analytics.store import Analytics
from cockpit.directory.models import Unit
from cockpit.directory.schemas import UnitBrief
from cockpit.directory.service import Units
from cockpit.intake.feeds import FeedName
from cockpit.intake.rules import FUNDING, PUBLISHED_STAGES, STAGES
from cockpit.intake.service import Batches
from cockpit.metrics.catalogue import METRICS, MetricName
from cockpit.overview import rules
from cockpit.overview.repository import FactRepository, Rows
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
from contracts.vocabulary import UnitStatus
from servicekit.clock import Clock
from servicekit.db import release

_NOTHING = {"total_amount": Decimal(0), "total_times": 0, "persons": 0}


class Overviews:
    """Build overviews for a viewer.

    PostgreSQL first, then `release`, then ClickHouse: no connection is held during a fact query.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        access: Access,
        units: Units,
        batches: Batches,
        analytics: Analytics,
    ) -> None:
        self._session = session
        self._clock = clock
        self._access = access
        self._units = units
        self._batches = batches
        self._facts = FactRepository(analytics)

    async def overview(self, actor: Principal, unit_id: UUID | None, year: int) -> Overview:
        """Return the overview of a unit (None: the viewer's). Raises `UnitNotFound`, `UnitOutOfReach`."""
        unit = await self._access.unit(actor, unit_id, "overview")
        below = await self._units.children(unit)
        loads = await self._batches.counted_loads(FeedName.AWARD, unit.path)
        published_loads = await self._batches.counted_loads(FeedName.PUBLISHED_AGGREGATE, unit.path)
        await release(self._session)
        awards = await self._facts.awards(unit.path, loads, year)
        by_child = await self._facts.by_child(unit.path, loads, year, rules.label_below(unit.path))
        published = await self._facts.published(unit.path, published_loads, year)
        own, children = _children(below, by_child)
        return Overview(
            unit=UnitBrief.model_validate(unit),
            year=year,
            as_of=self._clock.now(),
            awards=_awards(awards),
            published=await self._published(published),
            own=own,
            children=children,
        )

    async def years(self, actor: Principal, unit_id: UUID | None) -> Years:
        """Return the years with any figure about a unit. Raises `UnitNotFound`, `UnitOutOfReach`."""
        unit = await self._access.unit(actor, unit_id, "overview.years")
        awards = await self._batches.counted_loads(FeedName.AWARD, unit.path)
        published = await self._batches.counted_loads(FeedName.PUBLISHED_AGGREGATE, unit.path)
        await release(self._session)
        years = await self._facts.years(unit.path, awards, published)
        return Years(unit=UnitBrief.model_validate(unit), years=years)

    async def _published(self, rows: Rows) -> list[PublishedTable]:
        ids = list({row["batch_id"] for row in rows})
        times = await self._batches.commit_times(ids) if ids else {}
        newest: dict[tuple[str, str], UUID] = {}
        for row in sorted(rows, key=lambda row: times[row["batch_id"]]):
            newest[row["source"], row["scope"]] = row["batch_id"]
        return [
            _table(source, scope, id_, times[id_], [row for row in rows if _of(row, source, scope, id_)])
            for (source, scope), id_ in sorted(newest.items())
        ]


def _children(units: Sequence[Unit], rows: Rows) -> tuple[Own, list[Child]]:
    sums = {str(row["code"]): row for row in rows}
    mine = sums.pop("", _NOTHING)
    children: list[Child] = []
    for child in units:
        row = sums.pop(child.path.rpartition(".")[2], None)
        if row is not None or child.status == UnitStatus.ACTIVE:
            children.append(_child(child.code, child, row or _NOTHING))
    # Facts keep the path at the time of recording; their unit may have moved since.
    children += [_child(code, None, row) for code, row in sorted(sums.items())]
    return Own(amount=Amount.of(mine["total_amount"]), person_times=mine["total_times"]), children


def _of(row: dict[str, Any], source: str, scope: str, batch_id: UUID) -> bool:
    return (row["source"], row["scope"], row["batch_id"]) == (source, scope, batch_id)


def _awards(rows: Rows) -> Awards:
    whole: dict[str, Any] = dict(_NOTHING)
    stages: dict[str, dict[str, Any]] = {}
    fundings: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["any_stage"] and row["any_funding"]:
            whole = row
        elif row["any_funding"]:
            stages[row["stage"]] = row
        else:
            fundings[row["funding"]] = row
    names: list[MetricName] = [MetricName.AID_AMOUNT, MetricName.AID_PERSON_TIMES, MetricName.AID_PERSONS]
    return Awards(
        amount=Amount.of(whole["total_amount"]),
        person_times=whole["total_times"],
        persons=whole["persons"],
        scope=METRICS[MetricName.AID_AMOUNT].scope,
        metrics=names,
        by_stage=[_part(code, name, stages[code]) for code, name in STAGES.items() if code in stages],
        by_funding=[_part(code, name, fundings[code]) for code, name in FUNDING.items() if code in fundings],
    )


def _part(code: str, name: str, row: dict[str, Any]) -> Part:
    return Part(
        code=code,
        name=name,
        amount=Amount.of(row["total_amount"]),
        person_times=row["total_times"],
        persons=row["persons"],
    )


def _child(code: str, unit: Unit | None, row: dict[str, Any]) -> Child:
    return Child(
        code=code,
        unit=None if unit is None else UnitBrief.model_validate(unit),
        amount=Amount.of(row["total_amount"]),
        person_times=row["total_times"],
    )


def _table(source: str, scope: str, batch_id: UUID, committed_at: datetime, rows: Rows) -> PublishedTable:
    lines = [
        rules.Line(
            stage=row["stage"],
            funding=row["funding"],
            is_total=row["is_total"],
            amount=row["total_amount"],
            share_percent=row["share"],
            persons=row["total_persons"],
        )
        for row in rows
    ]

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
        batch_id=batch_id,
        committed_at=committed_at,
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


_ORDER = list(PUBLISHED_STAGES)


def _present(figures: Iterable[PublishedFigure | None]) -> list[PublishedFigure]:
    return [figure for figure in figures if figure is not None]


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
