"""The API of feeds."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response

from cockpit.access.auth import REFUSALS, BatchReader
from cockpit.feeds.declarations import FEEDS, FeedName
from cockpit.feeds.schemas import FeedOut
from cockpit.feeds.templates import csv_template, xlsx_template
from filekit.http import BINARY, attachment
from filekit.sniff import XLSX
from servicekit import problems

router = APIRouter(prefix="/api/v1/feeds", tags=["数据接入"], responses=problems.responses(*REFUSALS))

_Feed = Annotated[FeedName, Path(description="数据源")]


@router.get(
    "",
    summary="可接入的数据源",
    description="各数据源的列、规则、可用的值和各列之间的规则；校验、模板与文档出自同一声明。",
)
async def list_feeds(_: BatchReader) -> list[FeedOut]:
    """Return the feeds with their columns, allowed values and checks."""
    return [FeedOut.of(feed) for feed in FEEDS.values()]


@router.get("/{feed}", summary="数据源详情", description="一个数据源的列、规则和可用的值。")
async def get_feed(feed: _Feed, _: BatchReader) -> FeedOut:
    """Return a feed."""
    return FeedOut.of(FEEDS[feed])


@router.get(
    "/{feed}/template.xlsx",
    summary="下载 Excel 模板",
    description="第一个工作表填写数据，可用的值可以选择；第二个工作表是填写说明。",
    response_class=Response,
    responses={200: {"content": {XLSX: BINARY}, "description": "Excel 工作簿"}},
)
async def download_workbook_template(feed: _Feed, _: BatchReader) -> Response:
    """Return a workbook to fill in."""
    content = await asyncio.to_thread(xlsx_template, FEEDS[feed])
    name = attachment(f"{FEEDS[feed].title}模板.xlsx", plain=f"{feed}.xlsx")
    return Response(content, media_type=XLSX, headers=name)


@router.get(
    "/{feed}/template.csv",
    summary="下载 CSV 模板",
    description="只有标题行，UTF-8 编码，带 BOM。",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"example": "年度,...\n"}}, "description": "CSV 文件"}},
)
async def download_csv_template(feed: _Feed, _: BatchReader) -> Response:
    """Return the headings as CSV."""
    name = attachment(f"{FEEDS[feed].title}模板.csv", plain=f"{feed}.csv")
    return Response(csv_template(FEEDS[feed]), media_type="text/csv; charset=utf-8", headers=name)
