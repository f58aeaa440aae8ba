"""The endpoints beside the token endpoint: revocation, introspection, pushed requests, devices."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from identity.oauth.dependencies import Issuer
from identity.oauth.forms import form_pairs, headers_of

router = APIRouter(tags=["OpenID Connect"])

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


_TOKEN = _body(["token"], token={"type": "string"}, token_type_hint={"type": "string"})


@router.post("/revoke", summary="撤销令牌（RFC 7009）", openapi_extra=_TOKEN)
async def revoke(request: Request, issuer: Issuer) -> Response:
    """Give up a token, and with it the grant it came from. 200 also for a token that is not valid."""
    return (await issuer.revoke(await form_pairs(request), headers_of(request))).response()


@router.post("/introspect", summary="检查令牌（RFC 7662）", openapi_extra=_TOKEN)
async def introspect(request: Request, issuer: Issuer) -> Response:
    """Whether a token is good now; for confidential clients, about tokens meant for or issued to them."""
    return (await issuer.introspect(await form_pairs(request), headers_of(request))).response()


@router.post(
    "/par",
    summary="推送授权请求（RFC 9126）",
    status_code=201,
    openapi_extra=_body(["client_id", "response_type"], response_type={"enum": ["code"]}),
)
async def par(request: Request, issuer: Issuer) -> Response:
    """Hand in an authorization request; the answer's `request_uri` stands for it at /authorize."""
    return (await issuer.push(await form_pairs(request), headers_of(request))).response()


@router.post(
    "/device_authorization",
    summary="设备授权（RFC 8628）",
    openapi_extra=_body(["scope"], scope={"type": "string"}, resource={"type": "string"}),
)
async def device_authorization(request: Request, issuer: Issuer) -> Response:
    """Codes for a device: it shows `user_code`, a person enters it at /device, the device polls /token."""
    return (await issuer.device_authorization(await form_pairs(request), headers_of(request))).response()
