"""The API of the history of a record."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cockpit.access.auth import REFUSALS, BatchReader
from cockpit.analytics import errors as analytics
from cockpit.feeds.declarations import FeedName
from cockpit.histories import errors
from cockpit.histories.dependencies import HistoryService
from cockpit.histories.schemas import HistoryOut
from replica.errors import UnitNotReplicated
from servicekit import problems

router = APIRouter(
    prefix="/api/v1/intake/records", tags=["数据接入"], responses=problems.responses(*REFUSALS)
)


@router.get(
    "/{feed}/{record_id:path}",
    summary="一条记录的历史",
    description=(
        "一条记录的全部版本：何时由哪一批次计入，内容为何，何时因更正、删除或撤回批次而冲销。"
        "供报送该记录的单位及其上级查看；人员、账户标识只显示首尾，每次查看记入个体记录的使用记录。"
        "市级及以上单位须给定单位代码。"
    ),
    responses=problems.responses(
        *(errors.RecordNotFound, errors.NoRecordIds, errors.UnitCodeRequired, UnitNotReplicated),
        *analytics.REFUSALS,
    ),
)
async def get_record_history(
    feed: Annotated[FeedName, Path(description="数据源")],
    record_id: Annotated[
        str,
        Path(
            max_length=64,
            pattern=r"^[A-Za-z0-9_\-.:/]+$",
            description="记录编号",
            examples=["A2024-000001"],
        ),
    ],
    actor: BatchReader,
    histories: HistoryService,
    unit_code: Annotated[
        str | None,
        Query(
            max_length=32,
            pattern=r"^[0-9A-Za-z]+$",
            description="记录所属单位的代码",
            examples=["3701020001"],
        ),
    ] = None,
) -> HistoryOut:
    """Return all versions of a record."""
    return await histories.of(actor, feed, record_id, unit_code)
