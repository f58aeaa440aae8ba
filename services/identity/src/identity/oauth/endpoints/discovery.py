"""Discovery and keys: metadata of the issuer for clients and resource servers."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from identity.dependencies import ServiceSettings
from identity.keys.published import PublishedKeys
from identity.keys.ring import JWKS_MAX_AGE
from identity.oauth.endpoints import metadata
from servicekit.problems import TooManyRequests, responses

# The gateway limits requests per address (docs/security.md); the endpoints themselves refuse nothing.
router = APIRouter(tags=["OpenID Connect"], responses=responses(TooManyRequests))


@router.get(
    "/.well-known/openid-configuration",
    summary="OpenID Connect 发现文档",
    description="本签发方支持的端点和能力（OpenID Connect Discovery §4）。",
)
@router.head("/.well-known/openid-configuration", include_in_schema=False)
async def discovery(settings: ServiceSettings) -> dict[str, Any]:
    """Return the provider metadata (OpenID Connect Discovery §4)."""
    return metadata.document(settings.issuer_url)


@router.get(
    "/.well-known/oauth-authorization-server",
    summary="RFC 8414 元数据",
    description="与发现文档相同，位于 RFC 8414 §3 规定的地址。",
)
@router.head("/.well-known/oauth-authorization-server", include_in_schema=False)
async def rfc8414(settings: ServiceSettings) -> dict[str, Any]:
    """Return the same document at the location of RFC 8414 §3."""
    return metadata.document(settings.issuer_url)


@router.get("/jwks", summary="公钥", description="验证令牌签名用的公钥（RFC 7517），可缓存五分钟。")
@router.head("/jwks", include_in_schema=False)
async def jwks(request: Request) -> JSONResponse:
    """Return the keys that verify tokens (RFC 7517); may be cached for five minutes."""
    keys: PublishedKeys = request.app.state.published_keys
    return JSONResponse(await keys.get(), headers={"Cache-Control": f"public, max-age={JWKS_MAX_AGE}"})
