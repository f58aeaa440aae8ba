"""Signing in and out, and the sessions of a person.

`/bff/login` and `/bff/callback` are visited by browsers; scripts call the others with the header `x-csrf`;
`/bff/backchannel-logout` is called by Identity.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.background import BackgroundTask

from portal.errors import CrossSite, IssuerUnavailable, SignInRequired
from portal.issuer.tokens import InvalidToken
from portal.sessions import cookies
from portal.sessions.dependencies import CurrentSession, Guarded, SessionService, browser_of
from portal.signing_in import attempts, rules
from portal.signing_in.dependencies import SigningInService
from portal.signing_in.errors import InvalidLogoutToken, NotSignedIn
from portal.signing_in.schemas import ListedSession, SessionList, SessionOut, SignedOut, SignedOutElsewhere
from portal.signing_in.service import Wish
from servicekit import problems

visited = APIRouter(prefix="/bff", tags=["登录"])
router = APIRouter(
    prefix="/bff",
    tags=["登录"],
    dependencies=[Guarded],
    responses=problems.responses(CrossSite, SignInRequired),
)

# Identity refuses NUL, as RFC 6749 (appendix A) does.
_Text = Annotated[str | None, Query(max_length=512, pattern=r"^[^\x00-\x1f\x7f]*$")]


@visited.get(
    "/login",
    summary="登录",
    description="前往统一用户认证登录，之后回到 return_to 指定的页面。已登录的，可以用来进一步验证身份。",
    status_code=303,
    response_class=Response,
    responses=problems.responses(IssuerUnavailable),
)
async def login(
    request: Request,
    signing_in: SigningInService,
    return_to: Annotated[
        str | None, Query(max_length=2048, description="登录后回到的页面，须为本站地址")
    ] = None,
    acr_values: Annotated[_Text, Query(description="需要的登录方式级别（RFC 9470）")] = None,
    max_age: Annotated[int | None, Query(ge=0, le=86_400, description="验证身份距今最多的秒数")] = None,
    login_hint: Annotated[_Text, Query(description="预先填写的手机号")] = None,
    prompt: Annotated[str | None, Query(pattern="^login$", description="login 表示必须重新登录")] = None,
) -> Response:
    """Send the browser to Identity."""
    wish = Wish(acr_values, max_age, login_hint, prompt)
    attempt, url = await signing_in.begin(rules.local(return_to), wish)
    response = RedirectResponse(url, 303)
    attempts.limit(request, response)
    attempt.keep(response, request.app.state.sealing)
    return response


@visited.get(
    "/callback",
    summary="登录返回",
    description="统一用户认证完成登录后，浏览器回到这里；没有成功的，回到登录页并说明原因。",
    status_code=303,
    response_class=Response,
    responses=problems.responses(IssuerUnavailable),
)
async def callback(
    request: Request,
    signing_in: SigningInService,
    state: Annotated[str, Query(max_length=512, description="登录请求的标识")] = "",
    code: Annotated[str, Query(max_length=2048, description="授权码")] = "",
    iss: Annotated[_Text, Query(description="签发者（RFC 9207）")] = None,
    error: Annotated[_Text, Query(description="没有登录的原因")] = None,
    error_description: Annotated[_Text, Query(description="原因的说明，不显示")] = None,  # noqa: ARG001
) -> Response:
    """Open a session, and send the browser to the page that it came from."""
    app = request.app.state
    attempt = attempts.kept(request, state, app.sealing, app.clock.now())
    if attempt is None:
        return _failed("expired")
    try:
        if error is not None or not code:
            raise NotSignedIn("denied" if error == "access_denied" else "failed")
        secret, ended = await signing_in.complete(
            attempt,
            code,
            issuer=iss,
            browser=browser_of(request),
            before=cookies.presented(request),
        )
    except NotSignedIn as failure:
        response = _failed(failure.reason, attempt.return_to)
    else:
        response = RedirectResponse(
            attempt.return_to, 303, background=BackgroundTask(signing_in.revoke, ended)
        )
        cookies.put(response, secret)
    attempt.forget(response)
    return response


def _failed(reason: str, return_to: str = rules.HOME) -> RedirectResponse:
    return RedirectResponse(rules.failure(reason, return_to), 303)


@visited.post(
    "/backchannel-logout",
    summary="统一退出通知",
    description="统一用户认证在登录结束时调用（OpenID Connect Back-Channel Logout 1.0）。",
    responses=problems.responses(InvalidLogoutToken, IssuerUnavailable),
)
async def backchannel_logout(
    response: Response,
    signing_in: SigningInService,
    logout_token: Annotated[str, Form(max_length=8192, description="退出令牌")],
) -> SignedOutElsewhere:
    """End the sessions that a logout token names."""
    response.headers["cache-control"] = "no-store"
    try:
        return SignedOutElsewhere(ended=await signing_in.ended_at_issuer(logout_token))
    except InvalidToken as error:
        raise InvalidLogoutToken from error


@router.post("/logout", summary="退出登录", description="结束当前登录，并退出统一用户认证和其他系统。")
async def logout(response: Response, current: CurrentSession, signing_in: SigningInService) -> SignedOut:
    """End the session of this browser, here and at Identity."""
    cookies.clear(response)
    return SignedOut(everywhere=await signing_in.sign_out(current))


@router.get("/session", summary="当前登录", description="当前浏览器的登录；未登录时为 401。")
async def get_session(request: Request, current: CurrentSession) -> SessionOut:
    """Return the session of this browser."""
    return SessionOut.of(current, request.app.state.clock.now())


@router.get("/sessions", summary="我的登录", description="本人在工作门户的所有登录，新的在前。")
async def list_sessions(current: CurrentSession, sessions: SessionService) -> SessionList:
    """Return the sessions of whoever is signed in."""
    rows = await sessions.mine(current.person)
    return SessionList(
        items=[
            ListedSession(
                id=row.id,
                current=row.id == current.id,
                browser=row.browser,
                created_at=row.created_at,
                seen_at=row.seen_at,
            )
            for row in rows
        ]
    )


@router.delete(
    "/sessions",
    summary="退出其他登录",
    description="退出本人除当前浏览器以外的所有登录，包括统一用户认证的。",
)
async def end_other_sessions(
    current: CurrentSession, sessions: SessionService, signing_in: SigningInService, after: BackgroundTasks
) -> SignedOutElsewhere:
    """End all other sessions of whoever is signed in."""
    number, ended = await sessions.end_others(current.person, current.id)
    after.add_task(signing_in.end_elsewhere, ended, current)
    return SignedOutElsewhere(ended=number)


@router.delete(
    "/sessions/{session_id}",
    summary="退出一个登录",
    description="退出本人的一个登录，包括该浏览器在统一用户认证的登录。",
    status_code=204,
    responses=problems.responses(problems.NotFound),
)
async def end_session(
    session_id: UUID,
    current: CurrentSession,
    sessions: SessionService,
    signing_in: SigningInService,
    after: BackgroundTasks,
) -> None:
    """End one session of whoever is signed in."""
    after.add_task(signing_in.end_elsewhere, await sessions.end(current.person, session_id), current)
