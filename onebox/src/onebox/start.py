"""The start page at :8000: links, demo people, and a sign-in that shows its tokens.

It is an ordinary OIDC client, configured only with Identity's issuer URL. The work portal (工作门户) will
replace it.
"""

import secrets
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.progress import Progress

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

from contracts.vocabulary import Audience, Entitlement, Role, Vocabulary
from servicekit import design

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
_COOKIE = "zhuxue_start"
_CSP = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def _labels(vocabulary: type[Vocabulary], words: list[str]) -> list[str]:
    """Return the labels in the order of the vocabulary, then unknown words unchanged."""
    known = {word.value: word.label for word in vocabulary}
    return [label for word, label in known.items() if word in words] + sorted(set(words) - set(known))


@dataclass(frozen=True)
class Demo:
    """A demo person, who signs in with one button."""

    unit: str
    level: str
    roles: tuple[str, ...]
    phone: str


@dataclass
class Status:
    """The progress of the start."""

    progress: Progress
    accounts: list[Demo] = field(default_factory=list)
    seconds: float | None = None
    """The duration of the start; None until it is complete."""

    @property
    def steps(self) -> list[tuple[str, int, int]]:
        """(name, done, total) of the started steps."""
        return [(task.description, int(task.completed), int(task.total or 0)) for task in self.progress.tasks]

    def ready(self, accounts: list[Demo], seconds: float) -> None:
        """Record that all services are ready, after a start of `seconds`."""
        self.accounts, self.seconds = accounts, seconds


def build(urls: dict[str, str], status: Status) -> FastAPI:
    """Create the page. `urls` by service name. Until `status` is ready, it shows the progress."""
    app = FastAPI(title="起始页", docs_url=None, redoc_url=None, openapi_url=None)
    design.install(app)
    pending: dict[str, tuple[str, str]] = {}
    callback = f"{urls['start']}/callback"

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

    @app.get("/")
    async def start() -> Response:
        if status.seconds is None:
            response = page("starting.html", 503, steps=status.steps)
            response.headers["Retry-After"] = "1"
            return response
        return page("start.html", accounts=status.accounts, seconds=status.seconds)

    @app.get("/sign-in")
    async def sign_in(phone: str = "") -> Response:
        """Sign in; as a demo person, whoever is signed in at the issuer."""
        as_whom = {"login_hint": phone, "prompt": "login"} if phone else {}
        browser, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        url, state = client().create_authorization_url(
            f"{urls['identity']}/authorize",
            code_verifier=verifier,
            nonce=secrets.token_urlsafe(16),
            **as_whom,
        )
        # One token for all three API references; a real front end requests one audience at a time.
        url += "".join(f"&resource={audience}" for audience in Audience)
        while len(pending) >= 1000:
            pending.pop(next(iter(pending)))
        pending[browser] = (state, verifier)
        response = RedirectResponse(url, 303)
        response.set_cookie(_COOKIE, browser, httponly=True, samesite="lax", path="/callback")
        return response

    @app.get("/callback")
    async def called_back(request: Request) -> Response:
        state, verifier = pending.pop(request.cookies.get(_COOKIE, ""), ("", ""))
        if not state or request.query_params.get("state") != state:
            return page("problem.html", 400, message="登录请求已失效，请重新登录。")
        if "error" in request.query_params:
            return page(
                "problem.html", 400, message=request.query_params.get("error_description", "登录未完成。")
            )
        async with client() as oauth, httpx.AsyncClient() as http:
            token = await oauth.fetch_token(
                f"{urls['identity']}/token", authorization_response=str(request.url), code_verifier=verifier
            )
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            me = (await http.get(f"{urls['identity']}/api/v1/me", headers=headers)).json()
        return page(
            "signed_in.html",
            me=me,
            roles=_labels(Role, me["roles"]),
            entitlements=_labels(Entitlement, me["entitlements"]),
            token=token["access_token"],
            id_token=token["id_token"],
        )

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    return app
