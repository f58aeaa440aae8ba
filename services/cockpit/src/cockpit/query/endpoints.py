"""The API of questions."""

from fastapi import APIRouter

from cockpit.access.auth import REFUSALS, Viewer
from cockpit.query import errors
from cockpit.query.dependencies import QueryService
from cockpit.query.schemas import QueryIn, QueryOut
from servicekit import problems

router = APIRouter(
    prefix="/api/v1", tags=["指标查询"], responses=problems.responses(*REFUSALS, *errors.PLACE_REFUSALS)
)


@router.post(
    "/query",
    summary="指标查询",
    description=(
        "按指标、维度、单位或属地、时期查询，结果为一张表；一次最多 50,000 个数值。"
        "问题在请求体中，因此答复没有 ETag；需要按版本缓存的页面请用 `/api/v1/views`、`/api/v1/overview`。"
    ),
    responses=problems.responses(errors.QuestionNotOffered, errors.QuestionTooLarge),
)
async def run_query(actor: Viewer, queries: QueryService, asked: QueryIn) -> QueryOut:
    """Answer a question about figures: metrics by dimensions, places and periods."""
    return await queries.ask(actor, asked)
