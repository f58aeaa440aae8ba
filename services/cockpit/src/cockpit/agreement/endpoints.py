"""The API of records that do not agree with other feeds."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from cockpit.access.auth import REFUSALS, BatchReader
from cockpit.access.errors import CountyRequired, UnitNotFound, UnitOutOfReach
from cockpit.agreement import errors
from cockpit.agreement.dependencies import InconsistencyService
from cockpit.agreement.schemas import InconsistencyCounts, InconsistentRows
from cockpit.analytics import errors as analytics
from cockpit.feeds.declarations import FeedName
from cockpit.feeds.rules import FIRST_YEAR, LAST_YEAR
from cockpit.intake.errors import BatchNotFound
from filekit.cells import csv_line
from filekit.http import attachment
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.paging import BadCursor, PageRequest, Paging

_REFUSALS = (
    *(*REFUSALS, UnitNotReplicated, UnitOutOfReach, errors.CheckUnknown, errors.InconsistenciesTooWide),
    *analytics.REFUSALS,
)
router = APIRouter(prefix="/api/v1/intake", tags=["数据接入"], responses=problems.responses(*_REFUSALS))
HIDDEN = "*"
EXPORTED = 50_000
"""Lines of a file."""

Year = Annotated[
    int, Query(ge=FIRST_YEAR, le=LAST_YEAR, description="年度；学年以开始的年份表示", examples=[2024])
]
Unit = Annotated[UUID | None, Query(description="单位，默认为本单位；含其下级")]
Feed = Annotated[FeedName | None, Query(description="只看一个数据源")]
_CODE = r"^[a-z_]+$"
Check = Annotated[
    str | None,
    Query(max_length=64, pattern=_CODE, description="只看一项对照", examples=["award_without_enrolment"]),
]


@router.get(
    "/inconsistencies",
    summary="各单位与其他数据源不符的记录数",
    description=(
        "已计入的记录中，与其他数据源或单位目录不符的条数，按单位、数据源和对照项目列出，即时对照："
        "所缺的数据补报、更正后，相应的条数随即减少。各数据源的对照项目及其理由见 `/api/v1/feeds`。"
        "部、省、市级按区县（及直属学校）列出，人数过少的不显示条数；县级按学校列出。"
        "与其他数据源的对照，每个数据源一次最多 300 万条记录，范围过大时请选择下级单位；"
        "与单位目录的对照（`unit_closed`）不限。"
    ),
    responses=problems.responses(UnitNotFound, BadCursor),
)
async def list_inconsistencies(
    actor: BatchReader,
    found: InconsistencyService,
    paging: Paging,
    year: Year,
    unit: Unit = None,
    feed: Feed = None,
    check: Check = None,
) -> InconsistencyCounts:
    """Return how many records of which units do not agree with other feeds."""
    return await found.counts(actor, unit, year, feed, check, paging)


@router.get(
    "/inconsistencies.csv",
    summary="导出与其他数据源不符的记录数",
    description="UTF-8 编码，带 BOM；最多 50000 行，超出时末行注明。",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {"example": "单位代码,单位,...\n"}}, "description": "CSV 文件"},
        **problems.responses(UnitNotFound),
    },
)
async def export_inconsistencies(
    actor: BatchReader,
    found: InconsistencyService,
    year: Year,
    unit: Unit = None,
    feed: Feed = None,
    check: Check = None,
) -> Response:
    """Return the counts as CSV."""
    answer = await found.counts(actor, unit, year, feed, check, PageRequest(EXPORTED))
    lines = [csv_line(["单位代码", "单位", "数据源", "对照项目", "处理", "年度", "不符的记录数"])]
    lines += [
        csv_line(
            [
                *(one.unit_code, one.unit_name or "", one.feed.label, one.title, one.severity.label),
                *(str(year), HIDDEN if one.rows is None else str(one.rows)),
            ]
        )
        for one in answer.items
    ]
    if answer.next is not None:
        lines.append(csv_line([f"共 {answer.total.count} 行，仅导出前 {EXPORTED} 行；请选择下级单位。"]))
    name = attachment(f"数据对照{year}.csv", plain=f"inconsistencies-{year}.csv")
    content = ("\ufeff" + "".join(lines)).encode()
    return Response(content, media_type="text/csv; charset=utf-8", headers=name)


@router.get(
    "/batches/{batch_id}/inconsistencies",
    summary="批次中与其他数据源不符的记录",
    description=(
        "本批次计入、且现在仍与其他数据源或单位目录不符的记录，逐条列出，按单位排序；"
        "供报送该批次的单位查看，县级以上单位不能查看下级报送的记录；"
        "人员标识只显示首尾，每次查看记入个体记录的使用记录。补报、更正后再看，已相符的不再列出。"
    ),
    responses=problems.responses(*_REFUSALS, CountyRequired, BatchNotFound, BadCursor),
)
async def list_batch_inconsistencies(
    batch_id: UUID,
    actor: BatchReader,
    found: InconsistencyService,
    paging: Paging,
    check: Annotated[
        str, Query(max_length=64, pattern=_CODE, description="对照项目", examples=["award_without_enrolment"])
    ],
) -> InconsistentRows:
    """Return the records of a batch that do not agree now."""
    return await found.rows(actor, batch_id, check, paging)
