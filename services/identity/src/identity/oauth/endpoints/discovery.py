"""Discovery and keys: what clients and resource servers read about the issuer."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from identity.dependencies import ServiceSettings
from identity.keys.ring import JWKS_MAX_AGE
from identity.oauth.dependencies import OAuthService
from identity.oauth.endpoints import metadata

router = APIRouter(tags=["OpenID Connect"])


@router.get("/.well-known/openid-configuration", summary="OpenID Connect Discovery")
async def discovery(settings: ServiceSettings) -> dict[str, Any]:
    """What this issuer supports (OpenID Connect Discovery §4)."""
    return metadata.document(settings.issuer_url)


@router.get("/.well-known/oauth-authorization-server", summary="RFC 8414 元数据")
async def rfc8414(settings: ServiceSettings) -> dict[str, Any]:
    """The same document at the place RFC 8414 §3 names."""
    return metadata.document(settings.issuer_url)


@router.get("/jwks", summary="公钥")
async def jwks(issuer: OAuthService) -> JSONResponse:
    """Keys that tokens are signed with (RFC 7517); may be cached for five minutes."""
    return JSONResponse(await issuer.jwks(), headers={"Cache-Control": f"public, max-age={JWKS_MAX_AGE}"})
