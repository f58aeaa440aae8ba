"""The API of published tables."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from cockpit.access.auth import REFUSALS, Viewer
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.cells.errors import FiguresIncomplete
from cockpit.directory.schemas import UnitBrief
from cockpit.feeds import values
from cockpit.feeds.rules import FIRST_YEAR, LAST_YEAR
from cockpit.published.dependencies import PublishedService
from cockpit.published.errors import PublishedTableNotFound
from cockpit.published.repository import LineFilter, TableFilter
from cockpit.published.schemas import (
    PublishedEntry,
    PublishedTableBrief,
    PublishedTableOut,
    PublishedTotals,
    YearTotalsOut,
)
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(
    prefix="/api/v1/published",
    tags=["公布数据"],
    responses=problems.responses(
        *REFUSALS, UnitNotReplicated, UnitOutOfReach, UnitNotFound, FiguresIncomplete
    ),
)

_Unit = Annotated[UUID | None, Query(description="报送单位，默认为本单位；只能是本单位或下级")]
_Year = Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR, description="年度", examples=[2017])]
_Text = Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
_Source = Annotated[str | None, _Text, Query(description="来源，须与报送的一致")]
_Scope = Annotated[str | None, _Text, Query(description="口径，须与报送的一致")]
_Words = Annotated[str | None, Query(min_length=1, max_length=50, description="来源或口径包含")]


def _one_of(words: dict[str, str]) -> str:
    return "^(" + "|".join(words) + ")$"


@router.get(
    "/tables",
    summary="公布的表",
    description=(
        "一个单位报送的各张公布的表，按年度从新到旧。一张表是一个来源在一个口径下对一个年度的数据；"
        "同一来源、口径和年度以最近一批为准，其他来源和口径互不替代。"
    ),
)
async def list_published_tables(
    actor: Viewer,
    published: PublishedService,
    paging: Paging,
    unit: _Unit = None,
    year: _Year = None,
    source: _Source = None,
    scope: _Scope = None,
    q: _Words = None,
) -> CountedPage[PublishedTableBrief]:
    """Return a unit's published tables."""
    found = await published.tables(actor, unit, TableFilter(year, source, scope, q), paging)
    return found.page(PublishedTableBrief.of)


@router.get(
    "/tables/{table_id}",
    summary="一张公布的表",
    description="一张公布的表的全部各行及其勾稽关系；数值与公布的完全一致，合计与分项并存，差额注明是否在四舍五入范围内。",
    responses=problems.responses(PublishedTableNotFound),
)
async def get_published_table(
    table_id: Annotated[UUID, Path(description="表的标识")], actor: Viewer, published: PublishedService
) -> PublishedTableOut:
    """Return a table with all lines and balances."""
    return PublishedTableOut.of(await published.table(actor, table_id))


@router.get(
    "/lines",
    summary="公布的各行数据",
    description="一个单位各张现行表中的各行，可按学段、资金来源、资助项目和地区组筛选；不同来源和口径的数值不可相加。",
)
async def list_published_figures(
    actor: Viewer,
    published: PublishedService,
    paging: Paging,
    unit: _Unit = None,
    year: _Year = None,
    source: _Source = None,
    scope: _Scope = None,
    q: _Words = None,
    stage: Annotated[
        str | None, Query(pattern=_one_of(values.PUBLISHED_STAGES), description="学段代码，合计为 total")
    ] = None,
    funding: Annotated[
        str | None, Query(pattern=_one_of(values.PUBLISHED_FUNDING), description="资金来源代码")
    ] = None,
    programme: Annotated[
        str | None, Query(pattern=_one_of(values.PROGRAMMES), description="资助项目代码")
    ] = None,
    region_group: Annotated[
        str | None, Query(pattern=_one_of(values.REGION_GROUPS), description="地区组代码")
    ] = None,
    undivided: Annotated[bool, Query(description="只要不分项目、不分地区组的行")] = False,
) -> CountedPage[PublishedEntry]:
    """Return lines of a unit's published tables."""
    tables = TableFilter(year, source, scope, q)
    lines = LineFilter(stage, funding, programme, region_group, undivided)
    return (await published.lines(actor, unit, tables, lines, paging)).page(PublishedEntry.of_entry)


@router.get(
    "/totals",
    summary="各年度公布的合计",
    description="各年度资助总额（合计、全部来源）的公布值。口径不同的分别列示并注明，从不相加或取其一。",
)
async def get_published_totals(
    actor: Viewer, published: PublishedService, unit: _Unit = None
) -> PublishedTotals:
    """Return the published totals of a unit by year, each scope apart."""
    found, years = await published.totals(actor, unit)
    return PublishedTotals(
        unit=UnitBrief.model_validate(found), years=[YearTotalsOut.of(year) for year in years]
    )
