"""资助概览: awards in a unit's subtree in a year, and the published figures of the unit."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.cells.rules import Calendar, Dimension, Tree, grouping
from cockpit.cells.service import Ask, CellRow, Cells
from cockpit.directory.models import Unit
from cockpit.directory.schemas import UnitBrief
from cockpit.directory.service import Units
from cockpit.disclosure.service import Disclosure
from cockpit.intake.feeds import FeedName
from cockpit.intake.rules import FUNDING, PUBLISHED_STAGES, STAGES
from cockpit.metrics.catalogue import MetricName
from cockpit.metrics.declarations import METRICS
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
from cockpit.published.rules import Line, Verdict, note, plain
from cockpit.published.service import Published, YearTable, line_of
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
        disclosure: Disclosure,
        published: Published,
    ) -> None:
        self._clock = clock
        self._access = access
        self._units = units
        self._cells = cells
        self._disclosure = disclosure
        self._published = published

    async def overview(self, actor: Principal, unit_id: UUID | None, year: int) -> Overview:
        """Return the overview of a unit (None: the viewer's).

        Raises `UnitNotFound`, `UnitOutOfReach`, `FiguresIncomplete`.
        """
        unit = await self._access.unit(actor, unit_id, "overview")
        await self._cells.hold()
        below = await self._units.children(unit)
        as_of = await self._cells.as_of(self._clock.now())
        ask = partial(Ask, FeedName.AWARD, Tree.AUTHORITY, Calendar.YEAR, [unit.code], [str(year)])
        asks = [
            ask(),
            ask(by=grouping(Dimension.STAGE)),
            ask(by=grouping(Dimension.FUNDING)),
            ask(below=True),
        ]
        whole, stages, funding, parts = await self._cells.ask(asks)
        # What is empty may be hidden, too: that it is empty would tell about the rest.
        answers = [
            whole or [_nothing(unit.code, year)],
            _with_all(stages, [_nothing(unit.code, year, {Dimension.STAGE: one}) for one in STAGES]),
            _with_all(funding, [_nothing(unit.code, year, {Dimension.FUNDING: one}) for one in FUNDING]),
            _with_all(parts, [_nothing(child.code, year) for child in below]),
        ]
        hidden = await self._disclosure.hidden(actor, asks, answers)
        shown = [
            {_key(row): Shown(row, hides) for row, hides in zip(rows, hiding, strict=True)}
            for rows, hiding in zip(answers, hidden, strict=True)
        ]
        published = await self._published.of_year(unit, year)
        (total,) = shown[0].values()
        hides_own = await self._disclosure.hides_own(actor, asks[0], unit.code)
        own, children = _children(below, total.row, shown[3], hides_own=hides_own)
        return Overview(
            unit=UnitBrief.model_validate(unit),
            year=year,
            as_of=as_of,
            awards=_awards(total, shown[1], shown[2]),
            published=[_table(table) for table in published],
            own=own,
            children=children,
        )

    async def years(self, actor: Principal, unit_id: UUID | None) -> Years:
        """Return the years with any figure about a unit. Raises as `overview` does."""
        unit = await self._access.unit(actor, unit_id, "overview.years")
        await self._cells.as_of(self._clock.now())
        found = await self._cells.periods(FeedName.AWARD, Tree.AUTHORITY, [Calendar.YEAR], unit.code)
        published = await self._published.years(unit)
        years = sorted({*map(int, found[Calendar.YEAR]), *published})
        return Years(unit=UnitBrief.model_validate(unit), years=years)


class Shown(NamedTuple):
    """A row, and whether its figures are hidden from the viewer."""

    row: CellRow
    hidden: bool

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to list."""
        return not self.hidden and not (self.row.times or self.row.amount)

    @property
    def figures(self) -> dict[str, Any]:
        """Return the figures of the API."""
        if self.hidden:
            return {"suppressed": True, "amount": None, "person_times": None, "persons": None}
        row = self.row
        amount = Amount.of(row.amount)
        return {"suppressed": False, "amount": amount, "person_times": row.times, "persons": row.persons}


def _nothing(code: str, year: int, values: Mapping[Dimension, str] | None = None) -> CellRow:
    return CellRow(code, str(year), values or {}, Decimal(0), 0, 0, Decimal(0))


def _key(row: CellRow) -> str:
    return next(iter(row.values.values()), row.code)


def _with_all(rows: Sequence[CellRow], all_rows: Sequence[CellRow]) -> list[CellRow]:
    found = {_key(row) for row in rows}
    return [*rows, *(row for row in all_rows if _key(row) not in found)]


def _children(
    units: Sequence[Unit], whole: CellRow, below: Mapping[str, Shown], *, hides_own: bool
) -> tuple[Own, list[Child]]:
    amount = whole.amount - sum((shown.row.amount for shown in below.values()), Decimal(0))
    times = whole.times - sum(shown.row.times for shown in below.values())
    rows = dict(below)
    children: list[Child] = []
    for child in units:
        found = rows.pop(child.code)
        if not found.empty or child.status == UnitStatus.ACTIVE:
            children.append(_child(child.code, child, found))
    # A unit that has moved away keeps here what it received here.
    children += [_child(code, None, found) for code, found in sorted(rows.items())]
    own = (
        Own(suppressed=True, amount=None, person_times=None)
        if hides_own
        else Own(suppressed=False, amount=Amount.of(amount), person_times=times)
    )
    return own, children


def _of(row: dict[str, Any], source: str, scope: str, batch_id: UUID) -> bool:
    return (row["source"], row["scope"], row["batch_id"]) == (source, scope, batch_id)


def _awards(whole: Shown, stages: Mapping[str, Shown], funding: Mapping[str, Shown]) -> Awards:
    names: list[MetricName] = [MetricName.AID_AMOUNT, MetricName.AID_PERSON_TIMES, MetricName.AID_PERSONS]
    return Awards(
        **whole.figures,
        scope=METRICS[MetricName.AID_AMOUNT].scope,
        metrics=names,
        by_stage=_parts(STAGES, stages),
        by_funding=_parts(FUNDING, funding),
    )


def _parts(names: Mapping[str, str], rows: Mapping[str, Shown]) -> list[Part]:
    return [
        Part(code=code, name=name, **shown.figures)
        for code, name in names.items()
        if not (shown := rows[code]).empty
    ]


def _child(code: str, unit: Unit | None, shown: Shown) -> Child:
    return Child(code=code, unit=None if unit is None else UnitBrief.model_validate(unit), **shown.figures)


def _table(table: YearTable) -> PublishedTable:
    source, scope = table.source, table.scope
    lines = [line_of(line) for line in table.lines]

    def figure(metric: MetricName, line: Line | None, stage: str | None = None) -> PublishedFigure | None:
        if line is None:
            return None
        name = METRICS[metric].chinese
        return PublishedFigure(
            metric=metric,
            name=name if stage is None else f"{PUBLISHED_STAGES[stage]}{name.removeprefix('分学段')}",
            stage=stage,
            amount=Amount.of(line.amount),
            share_percent=None if line.share_percent is None else plain(line.share_percent),
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
                name=name,
                title=name.label,
                left=Amount.of(check.parts),
                right=Amount.of(check.whole),
                equal=check.verdict is Verdict.EQUAL,
                verdict=check.verdict,
                note=note(check),
            )
            for name, check in rules.checks(lines)
        ],
    )


_ORDER = list(PUBLISHED_STAGES)


def _present(figures: Iterable[PublishedFigure | None]) -> list[PublishedFigure]:
    return [figure for figure in figures if figure is not None]
