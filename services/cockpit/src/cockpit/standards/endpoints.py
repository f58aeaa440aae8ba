"""The API of policy standards."""

import asyncio
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from authkit.errors import PermissionRequired
from cockpit.access.auth import REFUSALS, Viewer
from cockpit.feeds import values
from cockpit.standards import errors, files
from cockpit.standards.auth import StandardsManager
from cockpit.standards.dependencies import StandardService
from cockpit.standards.repository import StandardFilter
from cockpit.standards.rules import COUNTRY, Calendar, Certainty, Tier
from cockpit.standards.schemas import (
    Day,
    InForce,
    LevelOut,
    StandardChangeOut,
    StandardCorrection,
    StandardEnd,
    StandardIn,
    StandardOut,
    StandardWithdrawal,
)
from filekit.http import BINARY, attachment
from filekit.sniff import XLSX
from servicekit import problems
from servicekit.clock import SHANGHAI
from servicekit.dependencies import ServiceClock
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1/standards", tags=["政策标准"], responses=problems.responses(*REFUSALS))

_MANAGED = (PermissionRequired, errors.CentreOnly)
_CHANGED = (
    *_MANAGED,
    errors.StandardNotFound,
    errors.StandardWithdrawn,
    VersionChanged,
    PreconditionRequired,
)


def _one_of(words: dict[str, str]) -> str:
    return "^(" + "|".join(words) + ")$"


StandardId = Annotated[UUID, Path(description="标准的标识")]
_Programme = Annotated[
    str,
    Query(pattern=_one_of(values.PROGRAMMES), description="资助项目代码", examples=["high_school_grant"]),
]
_Stage = Annotated[str | None, Query(pattern=_one_of(values.STAGES), description="学段代码")]
_Tier = Annotated[Tier | None, Query(description="档次")]
_On = Annotated[Day | None, Query(description="只列当日有效的标准", examples=["2025-03-01"])]


async def _filter(
    programme: Annotated[
        str | None, Query(pattern=_one_of(values.PROGRAMMES), description="资助项目代码")
    ] = None,
    stage: _Stage = None,
    tier: _Tier = None,
    region: Annotated[
        str | None, Query(pattern=r"^[0-9]{6}$", description="适用地区的行政区划代码，000000 为全国")
    ] = None,
    certainty: Annotated[Certainty | None, Query(description="可信程度")] = None,
    on: _On = None,
    withdrawn: Annotated[bool, Query(description="也列已作废的")] = False,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="资助项目、文号、出处或说明包含",
        ),
    ] = None,
) -> StandardFilter:
    return StandardFilter(programme, stage, tier, region, certainty, on, withdrawn, q)


_Filter = Annotated[StandardFilter, Depends(_filter)]


@router.get(
    "",
    summary="政策标准",
    description=(
        "各项目政策标准的全部版本，按项目排列；`on` 只列某一天有效的。"
        "每项带文号、出处和可信程度，未核对的不得作为确定的标准显示。"
    ),
)
async def list_standards(
    _: Viewer, standards: StandardService, wanted: _Filter, paging: Paging
) -> CountedPage[StandardOut]:
    """Return versions of standards."""
    return (await standards.page(wanted, paging)).page(StandardOut.of)


@router.get(
    "/in-force",
    summary="有效的标准",
    description=(
        "一个项目在一个地区某一天有效的标准：地区从小到大取最先有标准的一级；未指定学段、档次时各列一项。"
        "给定 `calendar` 与 `period` 时，另给出该期间每人应得的标准：按学期发放的由各学期折算，"
        "秋季一次发放的计入秋季。"
    ),
)
async def get_standards_in_force(
    _: Viewer,
    standards: StandardService,
    clock: ServiceClock,
    programme: _Programme,
    stage: _Stage = None,
    tier: _Tier = None,
    region: Annotated[
        str, Query(pattern=r"^[0-9]{6}$", description="地区的行政区划代码，000000 为全国")
    ] = COUNTRY,
    on: Annotated[Day | None, Query(description="日期，默认为今天")] = None,
    calendar: Annotated[Calendar, Query(description="期间的种类")] = Calendar.YEAR,
    period: Annotated[
        str | None,
        Query(
            pattern=r"^20\d\d(-(spring|autumn|year))?$",
            description="期间，如 2024（自然年、学年）或 2024-autumn（学期）",
            examples=["2024"],
        ),
    ] = None,
) -> InForce:
    """Return the standards of a programme on a day, and the level of a period."""
    day: date = on or clock.now().astimezone(SHANGHAI).date()
    found = await standards.in_force(programme, day, stage=stage, tier=tier, region=region)
    level = None
    if period is not None and (calendar is Calendar.TERM) is ("-" in period):
        level = await standards.over(programme, calendar, period, stage=stage, tier=tier, region=region)
    return InForce(
        on=day,
        standards=[StandardOut.of(one) for one in found],
        level=None if level is None else LevelOut.of(level),
    )


@router.get(
    "/export.xlsx",
    summary="导出政策标准（Excel）",
    description="按筛选条件导出，最多 10,000 条；说明页注明导出时间与可信程度的含义。",
    response_class=Response,
    responses={200: {"content": {XLSX: BINARY}, "description": "Excel 工作簿"}},
)
async def export_standards(
    _: Viewer, standards: StandardService, clock: ServiceClock, wanted: _Filter
) -> Response:
    """Return versions as a workbook."""
    found = [StandardOut.of(one) for one in await standards.exported(wanted)]
    content = await asyncio.to_thread(files.workbook, found, clock.now())
    return Response(content, media_type=XLSX, headers=attachment("政策标准.xlsx", plain="standards.xlsx"))


@router.get(
    "/export.csv",
    summary="导出政策标准（CSV）",
    description="按筛选条件导出，最多 10,000 条；UTF-8 编码，带 BOM，可以放心用电子表格打开。",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"example": "资助项目,学段,...\n"}}, "description": "CSV 文件"}},
)
async def export_standards_csv(_: Viewer, standards: StandardService, wanted: _Filter) -> Response:
    """Return versions as CSV."""
    found = [StandardOut.of(one) for one in await standards.exported(wanted)]
    headers = attachment("政策标准.csv", plain="standards.csv")
    content = await asyncio.to_thread(files.csv_file, found)
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.post(
    "",
    status_code=201,
    summary="新增政策标准",
    description=(
        "新增一个版本。同一项目、学段、档次和地区的标准在时间上不能重叠；"
        "默认自动终止此前的标准，到新标准的前一天为止。仅限全国中心。"
    ),
    responses=problems.responses(*_MANAGED, errors.StandardInvalid, errors.StandardOverlap),
)
async def create_standard(
    actor: StandardsManager, body: StandardIn, standards: StandardService, response: Response
) -> StandardOut:
    """Create a version of a standard."""
    made = await standards.create(actor, body.values, body.reason, end_previous=body.end_previous)
    response.headers["Location"] = f"{router.prefix}/{made.id}"
    response.headers["ETag"] = etag(made.version)
    return StandardOut.of(made)


@router.get(
    "/{standard_id}",
    summary="一项政策标准",
    description="一个版本，包括已作废的；ETag 是其版本号，修改时在 If-Match 中给出。",
    responses=problems.responses(errors.StandardNotFound),
)
async def get_standard(
    standard_id: StandardId, _: Viewer, standards: StandardService, response: Response
) -> StandardOut:
    """Return a version of a standard."""
    found = await standards.get(standard_id)
    response.headers["ETag"] = etag(found.version)
    return StandardOut.of(found)


@router.patch(
    "/{standard_id}",
    summary="更正政策标准",
    description=(
        "更正有效期、数值、文号或可信程度，须说明原因；未给出的字段不变，"
        "更正前后的内容都记入变更记录。If-Match 必填，仅限全国中心。"
    ),
    responses=problems.responses(*_CHANGED, errors.StandardInvalid, errors.StandardOverlap),
)
async def correct_standard(
    standard_id: StandardId,
    actor: StandardsManager,
    body: StandardCorrection,
    standards: StandardService,
    response: Response,
    seen: RequiredIfMatch,
) -> StandardOut:
    """Correct a version of a standard."""
    found = await standards.correct(actor, standard_id, body.changes, body.reason, seen)
    response.headers["ETag"] = etag(found.version)
    return StandardOut.of(found)


@router.post(
    "/{standard_id}/end",
    summary="终止政策标准",
    description="标准到指定的一天为止。If-Match 必填，仅限全国中心。",
    responses=problems.responses(*_CHANGED, errors.StandardInvalid),
)
async def end_standard(
    standard_id: StandardId,
    actor: StandardsManager,
    body: StandardEnd,
    standards: StandardService,
    response: Response,
    seen: RequiredIfMatch,
) -> StandardOut:
    """Let a version end on a day."""
    found = await standards.end(actor, standard_id, body.valid_to, body.reason, seen)
    response.headers["ETag"] = etag(found.version)
    return StandardOut.of(found)


@router.post(
    "/{standard_id}/withdraw",
    summary="作废政策标准",
    description="作废误录的版本：视为从未有效，变更记录保留其内容。If-Match 必填，仅限全国中心。",
    responses=problems.responses(*_CHANGED),
)
async def withdraw_standard(
    standard_id: StandardId,
    actor: StandardsManager,
    body: StandardWithdrawal,
    standards: StandardService,
    response: Response,
    seen: RequiredIfMatch,
) -> StandardOut:
    """Take a version back."""
    found = await standards.withdraw(actor, standard_id, body.reason, seen)
    response.headers["ETag"] = etag(found.version)
    return StandardOut.of(found)


@router.get(
    "/{standard_id}/changes",
    summary="政策标准的变更记录",
    description="一个版本的全部变更，从新到旧：何时、由谁、因何，以及变更前后的内容。",
    responses=problems.responses(errors.StandardNotFound),
)
async def list_standard_changes(
    standard_id: StandardId, _: Viewer, standards: StandardService, paging: Paging
) -> CountedPage[StandardChangeOut]:
    """Return the record of a version."""
    return (await standards.changes(standard_id, paging)).page(StandardChangeOut.of)
