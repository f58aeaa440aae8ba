"""The issuer over HTTP: authorize, token, userinfo, keys, discovery."""

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from authkit.dependencies import REFUSALS, presented
from authkit.errors import InsufficientScope, InvalidToken
from identity.accounts.service import PHONE
from identity.dependencies import Clock, Settings, Vault
from identity.memberships.dependencies import Service as Memberships
from identity.oauth import metadata
from identity.oauth.keys import JWKS_MAX_AGE
from identity.oauth.service import OAuth, SignInNeeded, Untrusted
from identity.oauth.tokens import parse_sub
from identity.signin.dependencies import Browser
from identity.signin.pages import error_page
from servicekit import problems
from servicekit.db import Session

router = APIRouter(tags=["OpenID Connect"])


async def _oauth(request: Request, session: Session, settings: Settings, clock: Clock) -> OAuth:
    return OAuth(session, settings, clock, request.app.state.key_ring, request.app.state.issuer)


Issuer = Annotated[OAuth, Depends(_oauth)]


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
async def authorize(request: Request, issuer: Issuer, browser: Browser) -> Response:
    """Code flow with PKCE (RFC 6749 §4.1, RFC 7636). Sends the browser to sign-in first when needed."""
    return await _answer(issuer, list(request.query_params.multi_items()), browser)


@router.post("/authorize", summary="授权端点（表单）", response_class=RedirectResponse)
async def authorize_by_post(request: Request, issuer: Issuer, browser: Browser) -> Response:
    """The same with parameters in the body (OpenID Connect Core §3.1.2.1)."""
    return await _answer(issuer, await form_of(request), browser)


async def _answer(issuer: OAuth, pairs: list[tuple[str, str]], browser: Any) -> Response:
    outcome = await issuer.authorize(pairs, browser)
    if isinstance(outcome, Untrusted):
        return error_page(outcome.error, outcome.description)
    if isinstance(outcome, SignInNeeded):
        # The person has just been asked once; asking again after sign-in would never end.
        again = urlencode([(name, value) for name, value in pairs if (name, value) != ("prompt", "login")])
        return RedirectResponse(
            "/login?" + urlencode({"return_to": f"/authorize?{again}"}), 303, {"Cache-Control": "no-store"}
        )
    return outcome.response()


@router.post(
    "/token",
    summary="令牌端点",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["grant_type"],
                        "properties": {
                            "grant_type": {
                                "enum": ["authorization_code", "client_credentials", "refresh_token"]
                            },
                            "code": {"type": "string"},
                            "redirect_uri": {"type": "string"},
                            "code_verifier": {"type": "string"},
                            "refresh_token": {"type": "string"},
                            "client_id": {"type": "string"},
                            "scope": {"type": "string"},
                            "resource": {"type": "string"},
                        },
                    }
                }
            },
        }
    },
)
async def token(request: Request, issuer: Issuer) -> Response:
    """Authorization code and client credentials grants; errors as RFC 6749 §5.2 names them."""
    return (await issuer.token(await form_of(request), headers_of(request))).response()


@router.get("/userinfo", summary="用户信息", responses=problems.responses(*REFUSALS, InsufficientScope))
@router.post("/userinfo", include_in_schema=False)
async def userinfo(request: Request, issuer: Issuer, memberships: Memberships, vault: Vault) -> Response:
    """Claims of the signed-in person (OpenID Connect Core §5.3), as the token's scopes allow."""
    principal = await presented(request, request.app.state.userinfo_verifier)
    sub = parse_sub(principal.sub)
    if "openid" not in principal.scope or sub is None:
        raise InsufficientScope
    account = (await memberships.standing(sub)).account
    if account.status != "active":
        raise InvalidToken
    claims: dict[str, Any] = {"sub": principal.sub}
    if "profile" in principal.scope:
        claims["name"] = account.name
    if "phone" in principal.scope:
        claims["phone_number"] = "+86" + vault.open(PHONE, account.phone_sealed)
        claims["phone_number_verified"] = True
    signed = await issuer.signed_userinfo(principal.client_id, claims)
    if signed is not None:
        return Response(signed, media_type="application/jwt", headers={"Cache-Control": "no-store"})
    return JSONResponse(claims, headers={"Cache-Control": "no-store"})


async def form_of(request: Request) -> list[tuple[str, str]]:
    """The pairs of a form body, repeated names kept; nothing for another content type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return []
    body = await request.body()
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def headers_of(request: Request) -> dict[str, str]:
    """Headers by name. Repeated ones are joined, so that a second DPoP proof is not overlooked."""
    names = dict.fromkeys(request.headers.keys())
    return {name: ", ".join(request.headers.getlist(name)) for name in names}
