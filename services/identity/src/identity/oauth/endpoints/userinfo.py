"""The userinfo endpoint (OpenID Connect Core §5.3)."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from authkit.dependencies import REFUSALS, presented
from authkit.errors import AmbiguousToken, InsufficientScope, InvalidToken
from contracts.vocabulary import AccountStatus
from identity.accounts.service import PHONE
from identity.audit.dependencies import AuditService
from identity.dependencies import ServiceVault
from identity.memberships.dependencies import MembershipService
from identity.oauth.dependencies import OAuthService
from identity.oauth.tokens.access_tokens import parse_sub
from identity.pages.forms import form_pairs
from servicekit import problems

router = APIRouter(tags=["OpenID Connect"])


@router.get(
    "/userinfo",
    summary="用户信息",
    description="登录人的声明（OpenID Connect Core §5.3），范围由令牌决定。",
    responses=problems.responses(*REFUSALS, AmbiguousToken, InsufficientScope),
)
@router.post("/userinfo", include_in_schema=False)
async def userinfo(
    request: Request,
    issuer: OAuthService,
    memberships: MembershipService,
    vault: ServiceVault,
    audit: AuditService,
) -> Response:
    """Return claims of the signed-in person (OpenID Connect Core §5.3) within the token's scopes."""
    # RFC 6750 §2.2: userinfo also accepts a token in a form body.
    pairs = await form_pairs(request) if request.method == "POST" else []
    body = [value for name, value in pairs if name == "access_token"]
    principal = await presented(request, request.app.state.userinfo_verifier, body=body)
    sub = parse_sub(principal.sub)
    if "openid" not in principal.scope or sub is None:
        raise InsufficientScope
    account = (await memberships.profile(sub)).account
    if account.status != AccountStatus.ACTIVE:
        raise InvalidToken
    claims: dict[str, Any] = {"sub": principal.sub}
    asked = await issuer.granted_claims(principal.grant_id)
    if "profile" in principal.scope or "name" in asked:
        claims["name"] = account.name
    lost = account.phone_lost_at is not None
    if ("phone" in principal.scope or "phone_number" in asked) and not lost:
        claims["phone_number"] = "+86" + vault.open(PHONE, account.phone_sealed)
        audit.record(
            actor=principal.client_id, action="account.disclosed", target=account.id, fields=["phone"]
        )
    if "phone" in principal.scope or "phone_number_verified" in asked:
        claims["phone_number_verified"] = not lost
    signed = await issuer.signed_userinfo(principal.client_id, claims)
    if signed is not None:
        return Response(signed, media_type="application/jwt", headers={"Cache-Control": "no-store"})
    return JSONResponse(claims, headers={"Cache-Control": "no-store"})
