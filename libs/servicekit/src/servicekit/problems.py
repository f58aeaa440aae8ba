"""RFC 9457 problem details, the error format of all services.

A feature declares its errors as subclasses of `Problem` with a stable `code`; the handler converts them to
`application/problem+json`. 422 is for payload shape only; business rules use 400, 403, 404, 409 or 413.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import get_contextvars

log = structlog.get_logger("problems")

MEDIA_TYPE = "application/problem+json"
RETRIED = (429, 503)
"""Statuses whose responses always have `Retry-After`."""


class FieldError(BaseModel):
    """One error of a request: its place, which is in the body or a parameter, and a text for the user.

    `pointer` is a JSON Pointer (RFC 6901) into the body: `""` is the whole body, `/file` a field of a form,
    `/amount` a column of a table. `parameter` is the name of a parameter of the query, path or header.
    """

    pointer: str | None = Field(default=None, examples=["/recipients/units/0"])
    parameter: str | None = Field(default=None, examples=["limit"])
    detail: str = Field(examples=["缺少必填字段"])

    @classmethod
    def at(cls, *path: str | int, detail: str) -> Self:
        """Return an error of the value at `path`, the names and indexes from the top of the body."""
        return cls(pointer=pointer(path), detail=detail)


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON Pointer of a value (RFC 6901 §3)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


class Change(BaseModel):
    """Who has changed what the caller wants to change, and when."""

    version: int = Field(description="当前版本，即 ETag 引号内的数字", examples=[5])
    # Left out of the body when they are not known, as of a person whom this service has not heard of.
    by: UUID | None = Field(default=None, description="最近修改人")
    name: str | None = Field(default=None, description="最近修改人姓名", examples=["张三"])
    at: datetime | None = Field(default=None, description="最近修改时间", examples=["2023-04-27T01:00:00Z"])


class ProblemBody(BaseModel):
    """The body of every error response (RFC 9457 §3), with a stable `code`."""

    type: str = Field(examples=["urn:zhuxue:problem:not_found"])
    title: str = Field(examples=["未找到"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["所请求的内容不存在，或您无权查看。"])
    code: str = Field(examples=["not_found"])
    correlation_id: str | None = None
    errors: list[FieldError] | None = None
    changed: Change | None = Field(default=None, description="仅 version_changed：内容现为哪一版、由谁修改")


class Problem(Exception):
    """An error response. Subclasses set `status`, `code` and the Chinese `title` and `detail`.

    `keep_changes` commits the request's writes despite the error, for data that must be kept, such as a
    counter of failed attempts.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[str] = "请求无法处理"
    detail: str = "请求无法处理，请检查后重试。"
    keep_changes: ClassVar[bool] = False
    headers: dict[str, str] | None = None
    changed: Change | None = None
    retry_after: ClassVar[int] = 5
    """`Retry-After` of 429 and 503, in seconds (RFC 9110 §10.2.3), unless `headers` has one."""

    def __init__(self, detail: str | None = None, *, errors: Sequence[FieldError] | None = None) -> None:
        if detail is not None:
            self.detail = detail
        self.errors = list(errors) if errors else None
        super().__init__(f"{self.code}: {self.detail}")


class NotFound(Problem):
    """The resource does not exist or is not visible to this caller; both have the same response."""

    status = 404
    code = "not_found"
    title = "未找到"
    detail = "所请求的内容不存在，或您无权查看。"


class Forbidden(Problem):
    """The caller is authenticated but does not have the permission."""

    status = 403
    code = "forbidden"
    title = "没有权限"
    detail = "您没有执行此操作的权限。"


class Conflict(Problem):
    """The current state of the resource does not allow the operation."""

    status = 409
    code = "conflict"
    title = "状态冲突"
    detail = "当前状态下不能执行此操作。"


class BodyTooLarge(Problem):
    """The request body exceeds the limit of this endpoint."""

    status = 413
    code = "body_too_large"
    title = "内容过大"
    detail = "提交的内容超过大小限制。"


class TooManyRequests(Problem):
    """The caller has exceeded a rate limit."""

    status = 429
    code = "too_many_requests"
    title = "操作过于频繁"
    detail = "操作过于频繁，请稍后再试。"


def body_of(problem: Problem) -> dict[str, Any]:
    """Return the JSON body of an error response."""
    body = ProblemBody(
        type=f"urn:zhuxue:problem:{problem.code}",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        code=problem.code,
        correlation_id=get_contextvars().get("correlation_id"),
        errors=problem.errors,
        changed=problem.changed,
    )
    return body.model_dump(mode="json", exclude_none=True)


def response_of(problem: Problem) -> JSONResponse:
    """Return the HTTP response for a problem."""
    headers = dict(problem.headers or {})
    if problem.status in RETRIED:
        headers.setdefault("Retry-After", str(problem.retry_after))
    return JSONResponse(body_of(problem), problem.status, headers, MEDIA_TYPE)


def responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI `responses` of an endpoint: each status with its possible problem codes."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        entry = by_status.setdefault(
            problem.status,
            {"description": problem.title, "content": {MEDIA_TYPE: {"schema": _REF, "examples": {}}}},
        )
        entry["content"][MEDIA_TYPE]["examples"][problem.code] = {
            "summary": problem.code,
            "value": {
                "type": f"urn:zhuxue:problem:{problem.code}",
                "title": problem.title,
                "status": problem.status,
                "detail": problem.detail,
                "code": problem.code,
            },
        }
    return by_status


# character_not_in_repertoire, untranslatable_character
_UNSTORABLE = {"22021", "22P05"}
_REF = {"$ref": "#/components/schemas/ProblemBody"}

# Chinese texts for the common validation errors; other errors keep pydantic's text.
_SHAPES = {
    "missing": "缺少必填字段",
    "extra_forbidden": "不允许的字段",
    "json_invalid": "不是有效的 JSON",
    "string_too_short": "内容过短",
    "string_too_long": "内容过长",
    "string_pattern_mismatch": "格式不正确",
    "uuid_parsing": "不是有效的标识",
    "datetime_parsing": "不是有效的时间",
    "int_parsing": "应为整数",
    "enum": "不是允许的取值",
    "literal_error": "不是允许的取值",
}


def _field_errors(error: RequestValidationError) -> list[FieldError]:
    found = []
    for item in error.errors():
        where, *path = item["loc"]
        detail = _SHAPES.get(item["type"], item["msg"])
        if where == "body":
            place = _place(path, error.body, absent=item["type"] == "missing")
            found.append(FieldError.at(*place, detail=detail))
        else:
            found.append(FieldError(parameter=str(path[0]) if path else str(where), detail=detail))
    return found


def _place(location: Sequence[str | int], body: object, *, absent: bool) -> list[str | int]:
    """Return the path of a value in `body`, for pydantic's location of it.

    A location also has the tags of unions and the names of validators, which the body does not contain.
    """
    place: list[str | int] = []
    for index, part in enumerate(location):
        holds = (
            part in body
            if isinstance(body, Mapping)
            else isinstance(body, list) and isinstance(part, int) and part < len(body)
        )
        if holds:
            body = body[part]  # type: ignore[index] # of the kind that holds it
        if holds or (absent and index == len(location) - 1):
            place.append(part)
    return place


class Unprocessable(Problem):
    """The payload does not match the schema of the endpoint."""

    status = 422
    code = "invalid_shape"
    title = "内容格式不正确"
    detail = "提交的内容格式不正确，请按提示修改。"


class MalformedJson(Problem):
    """The body is not valid JSON."""

    status = 400
    code = "malformed_json"
    title = "不是有效的 JSON"
    detail = "请求正文不是有效的 JSON。"


_HTTP_TITLES = {404: ("not_found", "未找到"), 405: ("method_not_allowed", "不支持的方法")}


async def _on_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return response_of(error)


async def _on_shape(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return response_of(MalformedJson())
    return response_of(Unprocessable(errors=_field_errors(error)))


async def _on_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # FastAPI wraps exceptions raised while it reads and parses a body, such as `BodyTooLarge`.
    cause = error.__cause__
    if isinstance(cause, Problem):
        return response_of(cause)
    if isinstance(cause, UnicodeDecodeError | RecursionError):
        return response_of(MalformedJson())
    code, title = _HTTP_TITLES.get(error.status_code, (f"http_{error.status_code}", "请求无法处理"))
    body = ProblemBody(
        type=f"urn:zhuxue:problem:{code}",
        title=title,
        status=error.status_code,
        detail=title,
        code=code,
        correlation_id=get_contextvars().get("correlation_id"),
    )
    headers = dict(error.headers or {})
    if error.status_code in RETRIED:
        headers.setdefault("Retry-After", str(Problem.retry_after))
    return JSONResponse(body.model_dump(exclude_none=True), error.status_code, headers, MEDIA_TYPE)


class InternalError(Problem):
    """An unexpected error; the log has the stack trace with the same correlation id."""

    status = 500
    code = "internal_error"
    title = "系统内部错误"
    detail = "系统内部错误，请稍后重试；如持续出现，请提供关联编号。"


class DefectMiddleware:
    """Returns `InternalError` for unhandled exceptions and logs the stack trace.

    Starlette's own error middleware is outside all others: its response would lack the correlation id and
    the CORS headers, and its log line the correlation id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_seen(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_seen)
        except Exception:
            log.exception("defect", method=scope["method"], route=getattr(scope.get("route"), "path", "-"))
            if started:
                # Part of the response has been sent: the server can only close the connection.
                raise
            await response_of(InternalError())(scope, receive, send)


async def on_database(_: Request, error: Exception) -> JSONResponse:
    """Return 422 for text that PostgreSQL rejects, such as text with a zero byte, which JSON allows."""
    if getattr(getattr(error, "orig", None), "sqlstate", None) in _UNSTORABLE:
        return response_of(Unprocessable("提交的内容含有无法保存的字符。"))
    raise error


def install(app: FastAPI) -> None:
    """Register the handlers, so that every error response is problem+json.

    `create_app` registers those for errors of the database (`servicekit.outages`).
    """
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_shape)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(DefectMiddleware)
