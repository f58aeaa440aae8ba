"""The API of document numbers: series and register."""

import asyncio
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from authkit.errors import PermissionRequired
from office.directory.errors import REFUSALS
from office.numbering import errors, rules
from office.numbering.auth import Reader, Registrar
from office.numbering.dependencies import NumberingService
from office.numbering.repository import RegisterFilter
from office.numbering.schemas import (
    NumberOut,
    SeriesChangeIn,
    SeriesIn,
    SeriesListOut,
    SeriesOut,
    StartIn,
    Year,
)
from office.numbering.workbook import workbook
from servicekit.db import Session, release
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.paging import CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1", tags=["文号"])

_IN_ROLE = (*REFUSALS, PermissionRequired)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SeriesId = Annotated[UUID, Path(description="机关代字的标识")]


async def _register_filter(
    prefix: Annotated[
        str | None, Query(pattern=f"^{rules.PREFIX}$", description="机关代字", examples=["教助中心"])
    ] = None,
    year: Annotated[int | None, Query(ge=2000, le=2099, description="年度", examples=[2023])] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="标题或文号中的文字",
            examples=["培训"],
        ),
    ] = None,
    voided: Annotated[bool | None, Query(description="只列已撤回（true）或未撤回（false）的")] = None,
) -> RegisterFilter:
    return RegisterFilter(prefix=prefix, year=year, words=q, voided=voided)


Wanted = Annotated[RegisterFilter, Depends(_register_filter)]


@router.get("/number-series", summary="本单位的机关代字", responses=responses(*_IN_ROLE))
async def list_number_series(
    actor: Reader,
    numbering: NumberingService,
    year: Annotated[
        int | None, Query(ge=2000, le=2099, description="下一个号所属年度；默认今年", examples=[2023])
    ] = None,
) -> SeriesListOut:
    """连同各机关代字在该年度的下一个号；默认使用的在前。"""
    return SeriesListOut(items=[SeriesOut.of(line) for line in await numbering.series(actor, year)])


@router.post(
    "/number-series",
    summary="新增机关代字",
    status_code=201,
    responses=responses(*_IN_ROLE, errors.PrefixTaken),
)
async def add_number_series(
    actor: Registrar, body: SeriesIn, numbering: NumberingService, response: Response
) -> SeriesOut:
    """签发人、单位管理员可以设置。文号在签发时按机关代字和年度顺序编排，不跳号、不重号。"""
    line = await numbering.add_series(actor, body.prefix, body.letterhead, preferred=body.preferred)
    response.headers["ETag"] = etag(line.series.version)
    response.headers["Location"] = f"{router.prefix}/number-series"
    return SeriesOut.of(line)


@router.put(
    "/number-series/{series_id}",
    summary="修改机关代字",
    responses=responses(*_IN_ROLE, NotFound, VersionChanged, PreconditionRequired),
)
async def change_number_series(
    series_id: SeriesId,
    actor: Registrar,
    body: SeriesChangeIn,
    numbering: NumberingService,
    response: Response,
    seen: RequiredIfMatch,
) -> SeriesOut:
    """修改发文机关标志，设为默认，停用或重新启用；机关代字本身不能修改。If-Match 必填。"""
    line = await numbering.change_series(
        actor, series_id, body.letterhead, seen, preferred=body.preferred, active=body.active
    )
    response.headers["ETag"] = etag(line.series.version)
    return SeriesOut.of(line)


@router.put(
    "/number-series/{series_id}/years/{year}",
    summary="设置年度起始号",
    responses=responses(*_IN_ROLE, NotFound, errors.NumbersIssued),
)
async def start_number_series(
    series_id: SeriesId,
    year: Annotated[Year, Path(description="年度", examples=[2023])],
    actor: Registrar,
    body: StartIn,
    numbering: NumberingService,
) -> SeriesOut:
    """用于从其他系统接续编号；该年度编过文号之后不能再改。"""
    return SeriesOut.of(await numbering.start(actor, series_id, year, body.first))


@router.get(
    "/document-numbers",
    summary="发文登记簿",
    responses=responses(*_IN_ROLE),
)
async def list_document_numbers(
    actor: Reader, numbering: NumberingService, wanted: Wanted, paging: Paging
) -> CountedPage[NumberOut]:
    """本单位已签发的文号，从新到旧；已撤回的也在内，其文号不再使用。"""
    return (await numbering.register(actor, wanted, paging)).page(NumberOut.of)


@router.get(
    "/document-numbers/export",
    summary="导出发文登记簿",
    response_class=Response,
    responses={
        **responses(*_IN_ROLE, errors.TooManyNumbers),
        200: {"content": {_XLSX: {}}, "description": "Excel 工作簿"},
    },
)
async def export_document_numbers(
    actor: Reader, numbering: NumberingService, wanted: Wanted, session: Session
) -> Response:
    """按登记顺序，最多 20,000 条。"""
    lines = await numbering.exported(actor, wanted)
    await release(session)
    name = f"发文登记簿{wanted.year or ''}.xlsx"
    return Response(
        await asyncio.to_thread(workbook, lines),
        media_type=_XLSX,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )
