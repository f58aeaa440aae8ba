"""Endpoints that clients call directly, without a browser."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from identity.clients import rules
from identity.descriptions import OAUTH_ERRORS
from identity.oauth.endpoints.headers import headers_of
from identity.oauth.service import ClientCalls
from identity.oauth.state.messages import Pairs, Reply
from identity.pages.forms import form_pairs
from servicekit.routing import DirectRoute

_CREDENTIALS = {
    "client_id": {"type": "string"},
    "client_secret": {"type": "string"},
    "client_assertion_type": {"type": "string"},
    "client_assertion": {"type": "string"},
}


def _body(required: list[str], **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": required, "properties": properties | _CREDENTIALS}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": schema}},
        }
    }


_TEXT = {"type": "string"}
_TOKEN = _body(["token"], token=_TEXT, token_type_hint=_TEXT)


router = APIRouter(tags=["OpenID Connect"], route_class=DirectRoute, responses=OAUTH_ERRORS)


async def _answer(
    request: Request, call: Callable[[ClientCalls, Pairs, dict[str, str]], Awaitable[Reply]]
) -> Response:
    pairs = await form_pairs(request)
    reply = await call(request.app.state.client_calls, pairs, headers_of(request))
    return reply.response()


@router.post(
    "/token",
    summary="令牌端点",
    description="支持发现文档列出的各授权类型；错误按 RFC 6749 §5.2。",
    openapi_extra=_body(
        ["grant_type"],
        grant_type={"enum": sorted(rules.GRANT_TYPES)},
        code=_TEXT,
        redirect_uri=_TEXT,
        code_verifier=_TEXT,
        refresh_token=_TEXT,
        scope=_TEXT,
        resource=_TEXT,
        device_code=_TEXT,
        audience=_TEXT,
        subject_token=_TEXT,
        subject_token_type=_TEXT,
        requested_token_type=_TEXT,
        actor_token=_TEXT,
        actor_token_type=_TEXT,
    ),
)
async def token(request: Request) -> Response:
    """Issue tokens for every grant type of the discovery document; errors as in RFC 6749 §5.2."""
    return await _answer(request, ClientCalls.token)


@router.post(
    "/revoke",
    summary="撤销令牌（RFC 7009）",
    description="令牌所属的授权一并撤销。令牌无效时同样返回 200。",
    openapi_extra=_TOKEN,
)
async def revoke(request: Request) -> Response:
    """Revoke a token and its grant. Returns 200 also for an invalid token."""
    return await _answer(request, ClientCalls.revoke)


@router.post(
    "/introspect",
    summary="检查令牌（RFC 7662）",
    description="令牌是否有效。限机密客户端，且只限以其为受众或签发给它的令牌。",
    openapi_extra=_TOKEN,
)
async def introspect(request: Request) -> Response:
    """Return whether a token is active; for confidential clients, about tokens issued to them or for them."""
    return await _answer(request, ClientCalls.introspect)


@router.post(
    "/par",
    summary="推送授权请求（RFC 9126）",
    description="提交授权请求，返回的 `request_uri` 在授权端点代表它。",
    status_code=201,
    openapi_extra=_body(["client_id", "response_type"], response_type={"enum": ["code"]}),
)
async def par(request: Request) -> Response:
    """Push an authorization request; the response's `request_uri` refers to it at /authorize."""
    return await _answer(request, ClientCalls.push)


@router.post(
    "/device_authorization",
    summary="设备授权（RFC 8628）",
    description="设备显示 `user_code`，人在 /device 输入，设备轮询令牌端点。",
    openapi_extra=_body(["scope"], scope=_TEXT, resource=_TEXT),
)
async def device_authorization(request: Request) -> Response:
    """Issue codes for a device: it shows `user_code`, a person enters it at /device, it polls /token."""
    return await _answer(request, ClientCalls.device_authorization)
