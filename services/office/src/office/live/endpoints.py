"""The stream of events."""

from typing import Annotated

from fastapi import APIRouter, Header

from authkit.dependencies import Authenticated
from office.actors import Member
from office.directory.errors import REFUSALS
from office.live.dependencies import StreamService
from office.live.errors import StreamsUnavailable, TooManyStreams
from servicekit.problems import responses
from servicekit.sse import MEDIA_TYPE, EventStream

router = APIRouter(prefix="/api/v1/tasks", tags=["统一待办"])

_EXAMPLE = """\
event: ready
id: 4711-5d41402abc4b
data: {}

event: task
id: 4712-5d41402abc4b
data: {"action":"opened","kind":"sign","title":"关于举办全国学生资助业务培训的通知"}

"""


@router.get(
    "/stream",
    summary="待办的实时更新",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {
            "description": "事件流（text/event-stream）",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **responses(*REFUSALS, TooManyStreams, StreamsUnavailable),
    },
)
async def stream_tasks(
    actor: Member,
    principal: Authenticated,
    streams: StreamService,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="上次收到的事件标识，据此补发错过的事件")
    ] = None,
) -> EventStream:
    """服务器推送事件。`ready`：已接续，首次连接时请随后读取列表；`task`：一项待办的变化；`counts`：新的数量，
    内容同 `GET /tasks/counts`；`editing`：本人正在编辑的草稿有人加入、离开或保存；
    `reset`：无法接续，请重新读取列表；`end`：连接结束，`reason` 为
    token_expired（换新令牌后重连）、token_revoked 或 shutdown（直接重连）。每 15 秒至少有一次心跳。
    """
    return await streams.open(actor, principal, last_event_id)
