"""The issuer over HTTP: authorize, token, userinfo, keys, discovery."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from authkit.dependencies import REFUSALS, presented
from authkit.errors import AmbiguousToken, InsufficientScope, InvalidToken
from identity.accounts.service import PHONE
from identity.dependencies import Clock, Settings, Vault
from identity.keys.ring import JWKS_MAX_AGE
from identity.memberships.dependencies import Service as Memberships
from identity.oauth.authorization.authorize import Ask, Choose, SignIn, StepUp
from identity.oauth.authorization.interaction import Interactions
from identity.oauth.dependencies import Issuer, interactions, keep
from identity.oauth.endpoints import metadata
from identity.oauth.endpoints.consent import choice_page, consent_page
from identity.oauth.endpoints.forms import form_pairs
from identity.oauth.service import OAuth, Untrusted
from identity.oauth.tokens.access_tokens import parse_sub
from identity.pages import csrf
from identity.pages.dependencies import Browser, is_secure
from identity.pages.rendering import error_page
from identity.sessions.models import BrowserSession
from identity.vault import Vault as VaultType
from servicekit import problems

router = APIRouter(tags=["OpenID Connect"])
_LONGEST_URL = 6000


@router.get("/.well-known/openid-configuration", summary="OpenID Connect Discovery")
async def discovery(settings: Settings) -> dict[str, Any]:
    """What this issuer supports (OpenID Connect Discovery §4)."""
    return metadata.document(settings.issuer_url)


@router.get("/.well-known/oauth-authorization-server", summary="RFC 8414 元数据")
async def rfc8414(settings: Settings) -> dict[str, Any]:
    """The same document at the place RFC 8414 §3 names."""
    return metadata.document(settings.issuer_url)


@router.get("/jwks", summary="公钥")
async def jwks(issuer: Issuer) -> JSONResponse:
    """Keys that tokens are signed with (RFC 7517); may be cached for five minutes."""
    return JSONResponse(await issuer.jwks(), headers={"Cache-Control": f"public, max-age={JWKS_MAX_AGE}"})


@router.get("/authorize", summary="授权端点", response_class=RedirectResponse)
async def authorize(
    request: Request, issuer: Issuer, browser: Browser, vault: Vault, clock: Clock, settings: Settings
) -> Response:
    """Code flow with PKCE (RFC 6749 §4.1, RFC 7636). Sends the browser to sign-in or consent when needed."""
    flow = interactions(request, vault, clock)
    pairs = list(request.query_params.multi_items())
    return keep(flow, await _answer(issuer, pairs, browser, flow, vault), secure=is_secure(settings))


@router.post("/authorize", summary="授权端点（表单）", response_class=RedirectResponse)
async def authorize_by_post(
    request: Request, issuer: Issuer, browser: Browser, vault: Vault, clock: Clock, settings: Settings
) -> Response:
    """The same with parameters in the body (OpenID Connect Core §3.1.2.1)."""
    pairs = await form_pairs(request)
    as_get = "/authorize?" + urlencode(pairs)
    if browser is None and pairs and len(as_get) < _LONGEST_URL:
        # A form of another site comes without our SameSite cookie: ask again in a way that brings it.
        return RedirectResponse(as_get, 303, {"Cache-Control": "no-store"})
    flow = interactions(request, vault, clock)
    return keep(flow, await _answer(issuer, pairs, browser, flow, vault), secure=is_secure(settings))


async def _answer(
    issuer: OAuth,
    pairs: list[tuple[str, str]],
    browser: BrowserSession | None,
    flow: Interactions,
    vault: VaultType,
) -> Response:
    sent, marker = flow.read(pairs)
    outcome = await issuer.authorize(sent, browser, marker)
    if isinstance(outcome, Untrusted):
        return error_page(outcome.error, outcome.description)
    if isinstance(outcome, SignIn):
        query = {"return_to": flow.url(sent, flow.begin(sent, browser, outcome.redirect_uri))}
        if outcome.login_hint:
            query["login_hint"] = outcome.login_hint
        return RedirectResponse("/login?" + urlencode(query), 303, {"Cache-Control": "no-store"})
    if isinstance(outcome, StepUp):
        # With the same marker: a sign-in that the request has already had still counts.
        return_to = flow.url(sent, marker or flow.begin(sent, browser, outcome.redirect_uri))
        query = {"return_to": return_to, "acr": outcome.acr}
        return RedirectResponse("/login/step-up?" + urlencode(query), 303, {"Cache-Control": "no-store"})
    if isinstance(outcome, Choose | Ask):
        assert browser is not None
        return_to = flow.url(sent, marker or flow.begin(sent, browser, outcome.redirect_uri))
        token = csrf.token_of(vault, browser)
        if isinstance(outcome, Choose):
            return choice_page(outcome, return_to, token)
        return consent_page(outcome, return_to, token)
    return outcome.response()


@router.get(
    "/userinfo",
    summary="用户信息",
    responses=problems.responses(*REFUSALS, AmbiguousToken, InsufficientScope),
)
@router.post("/userinfo", include_in_schema=False)
async def userinfo(request: Request, issuer: Issuer, memberships: Memberships, vault: Vault) -> Response:
    """Claims of the signed-in person (OpenID Connect Core §5.3), as the token's scopes allow."""
    # RFC 6750 §2.2: userinfo takes a token in a form body too.
    pairs = await form_pairs(request) if request.method == "POST" else []
    body = [value for name, value in pairs if name == "access_token"]
    principal = await presented(request, request.app.state.userinfo_verifier, body=body)
    sub = parse_sub(principal.sub)
    if "openid" not in principal.scope or sub is None:
        raise InsufficientScope
    account = (await memberships.profile(sub)).account
    if account.status != "active":
        raise InvalidToken
    claims: dict[str, Any] = {"sub": principal.sub}
    asked = await issuer.granted_claims(principal.grant_id)
    if "profile" in principal.scope or "name" in asked:
        claims["name"] = account.name
    if "phone" in principal.scope or "phone_number" in asked:
        claims["phone_number"] = "+86" + vault.open(PHONE, account.phone_sealed)
    if "phone" in principal.scope or "phone_number_verified" in asked:
        claims["phone_number_verified"] = True
    signed = await issuer.signed_userinfo(principal.client_id, claims)
    if signed is not None:
        return Response(signed, media_type="application/jwt", headers={"Cache-Control": "no-store"})
    return JSONResponse(claims, headers={"Cache-Control": "no-store"})
