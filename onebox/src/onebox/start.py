"""What is at :8000: the portal, once everything has started, and below /demo what developers need.

That is demo people, a sign-in that shows its tokens, and links. It is an ordinary OIDC client, configured
only with Identity's issuer URL.
"""

import secrets
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.progress import Progress
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

from authkit import acr
from contracts.vocabulary import Audience, Entitlement, PlatformRole, Role, Vocabulary
from onebox import one_click
from servicekit import design

T = TypeVar("T")
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
DEMO = "/demo"
"""Where the pages for developers are, beside those of the portal."""
_COOKIE = "zhuxue_start"
_BROWSERS = 1000
_ERRORS = {"access_denied": "您拒绝了授权，没有登录。"}
_CSP = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def _labels(vocabulary: type[Vocabulary], words: list[str]) -> list[str]:
    """Return the labels in the order of the vocabulary, then unknown words unchanged."""
    known = {word.value: word.label for word in vocabulary}
    return [label for word, label in known.items() if word in words] + sorted(set(words) - set(known))


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A demo person, who signs in with one button."""

    key: str
    """Names the person in addresses, where a phone number does not belong."""
    name: str
    unit: str
    level: str
    roles: tuple[str, ...]
    phone: str
    totp: str = ""
    """The secret of their one-time password, if they have one."""


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in at one browser, and the tokens."""

    me: dict[str, Any]
    token: str
    id_token: str


def _keep(rows: dict[str, T], browser: str, row: T) -> None:
    """Remember something of a browser; of the oldest of many, no longer."""
    while len(rows) >= _BROWSERS:
        rows.pop(next(iter(rows)))
    rows[browser] = row


@dataclass
class Status:
    """The progress of the start."""

    progress: Progress
    accounts: list[Demo] = field(default_factory=list)
    seconds: float | None = None
    """The duration of the start; None until it is complete."""
    portal: FastAPI | None = None
    """Serves all addresses that are not developers', once it is there."""

    @property
    def steps(self) -> list[tuple[str, int, int]]:
        """(name, done, total) of the started steps."""
        return [(task.description, int(task.completed), int(task.total or 0)) for task in self.progress.tasks]

    def ready(self, accounts: list[Demo], seconds: float, portal: FastAPI | None = None) -> None:
        """Record that all services are ready, after a start of `seconds`."""
        self.accounts, self.seconds, self.portal = accounts, seconds, portal


def build(urls: dict[str, str], status: Status) -> FastAPI:
    """Create the application. `urls` by service name. Until `status` is ready, it shows the progress."""
    app = FastAPI(title="起始页", docs_url=None, redoc_url=None, openapi_url=None)
    design.install(app)
    pending: dict[str, tuple[str, str]] = {}
    people: dict[str, SignedIn] = {}
    callback = f"{urls['start']}{DEMO}/callback"

    def client() -> "AsyncOAuth2Client":
        with warnings.catch_warnings():
            # Authlib warns on the console that it will move to httpx2.
            warnings.simplefilter("ignore", DeprecationWarning)
            from authlib.integrations.httpx_client import AsyncOAuth2Client  # not before the first page

        return AsyncOAuth2Client(
            "portal",
            redirect_uri=callback,
            scope="openid profile phone office cockpit:read cockpit:write identity",
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
        )

    def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
        html = _templates.get_template(template).render(urls=urls, **values)
        return HTMLResponse(html, status, {"Content-Security-Policy": _CSP, "Cache-Control": "no-store"})

    def problem(message: str, status: int = 400) -> Response:
        return page("problem.html", status, message=message)

    def first_page(request: Request, notice: str = "") -> Response:
        who = people.get(request.cookies.get(_COOKIE, ""))
        groups = [(level, list(them)) for level, them in groupby(status.accounts, lambda one: one.level)]
        return page(
            "start.html",
            groups=groups,
            seconds=status.seconds,
            notice=notice,
            who=who,
            signed_out=f"{urls['start']}{DEMO}/signed-out",
        )

    def starting() -> Response:
        response = page("starting.html", 503, steps=status.steps)
        response.headers["Retry-After"] = response.headers["Refresh"] = "1"
        return response

    @app.get(f"{DEMO}/")
    async def start(request: Request) -> Response:
        return starting() if status.seconds is None else first_page(request)

    @app.get(f"{DEMO}/accounts")
    async def accounts() -> list[dict[str, Any]]:
        """The demo people, whom the portal's page of signing in offers."""
        names = ("key", "name", "unit", "level", "roles")
        return [{name: getattr(one, name) for name in names} for one in status.accounts]

    @app.get(f"{DEMO}/portal")
    async def to_portal(request: Request, account: str, return_to: str = "/") -> Response:
        """Sign in to the portal as a demo person; the address of the request does not name their number."""
        phone = next((one.phone for one in status.accounts if one.key == account), None)
        if phone is None or status.portal is None:
            return problem("没有这个演示账号。", 404)
        from portal.errors import IssuerUnavailable  # already imported, as are the others
        from portal.signing_in import attempts, rules
        from portal.signing_in.service import Wish

        state = status.portal.state
        wish = Wish(login_hint=phone, prompt="login")
        try:
            attempt, url = await state.signing_in.begin(rules.local(return_to), wish)
        except IssuerUnavailable:
            return problem("统一用户认证没有接受登录请求，请稍后重试。", 502)
        agent = request.headers.get("user-agent", "")
        done = await one_click.sign_in(url, phone, request.cookies, agent)
        if isinstance(done, one_click.Wait):
            waiting = page("waiting.html", 429)
            waiting.headers["Retry-After"] = waiting.headers["Refresh"] = str(done.seconds)
            return waiting
        response = RedirectResponse(url if done is None else done.url, 303)
        for cookie in [] if done is None else done.cookies:
            response.headers.append("set-cookie", cookie)
        attempts.limit(request, response)
        attempt.keep(response, state.sealing)
        return response

    @app.get(f"{DEMO}/sign-in")
    async def sign_in(account: str = "", *, strong: bool = False) -> Response:
        """Sign in; as a demo person, whoever is signed in at the issuer. `strong`: with a second factor, as
        important operations of administrators require (RFC 9470).

        The request is pushed (RFC 9126), so that its address does not name the person's number.
        """
        as_whom = {one.key: {"login_hint": one.phone, "prompt": "login"} for one in status.accounts}
        if account and account not in as_whom:
            return problem("没有这个演示账号。", 404)
        browser, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        url, state = client().create_authorization_url(
            f"{urls['identity']}/authorize",
            code_verifier=verifier,
            nonce=secrets.token_urlsafe(16),
            **as_whom.get(account, {}),
            **({"acr_values": acr.MFA, "max_age": str(acr.RECENT)} if strong else {}),
        )
        # One token for all three API references; a real front end requests one audience at a time.
        asked: dict[str, Any] = dict(parse_qsl(urlsplit(url).query)) | {"resource": list(Audience)}
        async with httpx.AsyncClient() as http:
            pushed = await http.post(f"{urls['identity']}/par", data=asked)
        if pushed.status_code != httpx.codes.CREATED:
            return problem("统一用户认证没有接受登录请求，请稍后重试。", 502)
        _keep(pending, browser, (state, verifier))
        reference = urlencode({"client_id": "portal", "request_uri": pushed.json()["request_uri"]})
        response = RedirectResponse(f"{urls['identity']}/authorize?{reference}", 303)
        response.set_cookie(_COOKIE, browser, httponly=True, samesite="lax")
        return response

    @app.get(f"{DEMO}/callback")
    async def called_back(request: Request) -> Response:
        browser = request.cookies.get(_COOKIE, "")
        state, verifier = pending.pop(browser, ("", ""))
        if not state or request.query_params.get("state") != state:
            return problem("登录请求已失效，请重新登录。")
        if "error" in request.query_params:
            return problem(_ERRORS.get(request.query_params["error"], "登录未完成，请重新登录。"))
        async with client() as oauth, httpx.AsyncClient() as http:
            token = await oauth.fetch_token(
                f"{urls['identity']}/token", authorization_response=str(request.url), code_verifier=verifier
            )
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            answer = await http.get(f"{urls['identity']}/api/v1/me", headers=headers)
        if answer.status_code != httpx.codes.OK:
            return problem("统一用户认证没有接受令牌，请重新登录。", 502)
        me = answer.json()
        _keep(people, browser, SignedIn(me, token["access_token"], token["id_token"]))
        # F5 does not redeem the code again.
        return RedirectResponse(f"{DEMO}/me", 303)

    @app.get(f"{DEMO}/me")
    async def signed_in(request: Request) -> Response:
        from identity.authenticators.totp import code_at  # already imported

        who = people.get(request.cookies.get(_COOKIE, ""))
        if who is None:
            return RedirectResponse(f"{DEMO}/", 303)
        platform = who.me["platform_role"]
        secret = next((one.totp for one in status.accounts if one.key == platform), "")
        return page(
            "signed_in.html",
            who=who,
            roles=_labels(Role, who.me["roles"]),
            platform=_labels(PlatformRole, [platform] if platform else []),
            entitlements=_labels(Entitlement, who.me["entitlements"]),
            one_time=code_at(secret, datetime.now(UTC)) if secret else "",
            signed_out=f"{urls['start']}{DEMO}/signed-out",
        )

    @app.get(f"{DEMO}/signed-out")
    async def signed_out(request: Request) -> Response:
        """The issuer sends people here after signing out (OpenID Connect RP-Initiated Logout 1.0 §3)."""
        people.pop(request.cookies.get(_COOKIE, ""), None)
        return first_page(request, "您已退出登录。")

    @app.get(f"{DEMO}/livez")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    async def all_else(scope: Scope, receive: Receive, send: Send) -> None:
        portal: ASGIApp = status.portal if status.portal is not None else starting()
        await portal(scope, receive, send)

    app.mount("", all_else, name="portal")
    return app
