"""Pages for integrators: register and manage the clients of the own unit without the API."""

import secrets
from typing import Annotated, Any
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from contracts.vocabulary import AccountStatus, Level, Role, UnitStatus
from identity.clients.dependencies import ClientService
from identity.clients.models import Client
from identity.clients.rules import Metadata
from identity.clients.service import Registrar, secret_id
from identity.dependencies import ServiceSettings, ServiceVault
from identity.memberships.dependencies import MembershipService
from identity.pages import csrf
from identity.pages.dependencies import Browser
from identity.pages.rendering import page
from identity.sessions.models import BrowserSession
from identity.units.models import Unit
from servicekit.dependencies import ServiceClock
from servicekit.problems import Problem

router = APIRouter(prefix="/integrations", include_in_schema=False)

_SHOWN = 100
_METHODS = {
    "client_secret_basic": "密钥（服务器端系统）",
    "none": "无密钥，仅 PKCE（手机或桌面应用）",
}
Text = Annotated[str, Form(max_length=4000)]
Token = Annotated[str, Form(max_length=128, alias="csrf")]


class Integrator:
    """The signed-in administrator, their unit, and the CSRF token of their forms."""

    def __init__(self, browser: BrowserSession, unit: Unit, vault: ServiceVault) -> None:
        self.browser = browser
        self.unit = unit
        self.actor = Registrar(str(browser.account_id), unit.path, unit.level == Level.MINISTRY)
        self.csrf = csrf.token_of(vault, browser)


async def _integrator(
    browser: Browser, memberships: MembershipService, vault: ServiceVault
) -> Integrator | Response:
    if browser is None:
        return RedirectResponse(
            "/login?" + urlencode({"return_to": "/integrations"}), 303, {"Cache-Control": "no-store"}
        )
    profile = await memberships.profile(browser.account_id, browser.acting_membership_id)
    membership, unit = profile.membership, profile.unit
    if (
        profile.account.status != AccountStatus.ACTIVE
        or membership is None
        or unit is None
        or unit.status != UnitStatus.ACTIVE
        or Role.UNIT_ADMIN not in membership.roles
    ):
        # Without the link back, which leads here again.
        return page(
            "integration_refused.html",
            status=403,
            message="只有单位管理员可以登记和管理接入系统。",
            back=False,
        )
    return Integrator(browser, unit, vault)


Who = Annotated[Integrator | Response, Depends(_integrator)]


async def _overview(
    who: Integrator,
    clients: ClientService,
    *,
    message: str = "",
    status: int = 200,
    form: dict[str, str] | None = None,
) -> Response:
    return page(
        "integrations.html",
        status=status,
        unit=who.unit.name,
        csrf=who.csrf,
        clients=await clients.of_unit(who.unit.id, _SHOWN),
        message=message,
        methods=_METHODS,
        form={"client_name": "", "redirect_uri": "", "contact": "", "method": "client_secret_basic"}
        | (form or {}),
    )


def _detail(
    who: Integrator,
    client: Client,
    clock: ServiceClock,
    settings: ServiceSettings,
    *,
    secret: str | None = None,
    message: str = "",
    status: int = 200,
) -> Response:
    now = clock.now()
    return page(
        "integration.html",
        status=status,
        client=client,
        csrf=who.csrf,
        issuer=settings.issuer_url,
        secret=secret,
        secrets=[
            {"id": secret_id(row), "created_at": row.created_at, "expires_at": row.expires_at}
            for row in client.secrets
            if row.valid(now)
        ],
        overlap=settings.client_secret_overlap_hours,
        test_url=_test_url(client),
        open_url=_open_url(client, settings),
        message=message,
    )


def _test_url(client: Client) -> str:
    """Return a sign-in URL of the client; its `state` is not one that the client issued."""
    query: dict[str, Any] = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0] if client.redirect_uris else "",
        "scope": "openid",
        "state": "test",
        "code_challenge": create_s256_code_challenge(secrets.token_urlsafe(48)),
        "code_challenge_method": "S256",
    }
    return "/authorize?" + urlencode(query)


def _open_url(client: Client, settings: ServiceSettings) -> str | None:
    """Third-party initiated login (OpenID Connect Core §4): the client starts a sign-in at this issuer."""
    uri = client.initiate_login_uri
    return None if uri is None else str(add_params_to_uri(uri, [("iss", settings.issuer_url)]))


@router.get("")
async def overview(who: Who, clients: ClientService) -> Response:
    """Show the unit's clients and the form to register one."""
    return who if isinstance(who, Response) else await _overview(who, clients)


@router.post("")
async def register(
    request: Request,
    who: Who,
    clients: ClientService,
    clock: ServiceClock,
    settings: ServiceSettings,
    vault: ServiceVault,
    token: Token,
    client_name: Text = "",
    redirect_uri: Text = "",
    contact: Text = "",
    method: Text = "client_secret_basic",
) -> Response:
    """Register a client. Only this response contains its secret."""
    if isinstance(who, Response):
        return who
    csrf.check(request, vault, settings, who.browser, token)
    form = {"client_name": client_name, "redirect_uri": redirect_uri, "contact": contact, "method": method}
    if not 1 <= len(client_name.strip()) <= 100:
        return await _overview(who, clients, message="请填写系统名称，不超过 100 字。", status=400, form=form)
    metadata = Metadata(
        client_name=client_name.strip(),
        redirect_uris=redirect_uri.split(),
        contacts=[contact.strip()] if contact.strip() else [],
        token_endpoint_auth_method=method if method in _METHODS else "client_secret_basic",
        application_type="native" if method == "none" else "web",
    )
    try:
        made = await clients.create(who.actor, who.unit.id, metadata)
    except Problem as problem:
        message = f"{problem.title}（{problem.detail}）"
        return await _overview(who, clients, message=message, status=problem.status, form=form)
    return _detail(who, made.client, clock, settings, secret=made.secret, message="系统已登记。", status=201)


@router.get("/{client_id}")
async def detail(
    client_id: str, who: Who, clients: ClientService, clock: ServiceClock, settings: ServiceSettings
) -> Response:
    """Show one client: its settings, its secrets, and a link that tests the sign-in."""
    if isinstance(who, Response):
        return who
    try:
        client = await clients.get(who.actor, client_id)
    except Problem as problem:
        return page("integration_refused.html", status=problem.status, message=problem.detail, back=True)
    return _detail(who, client, clock, settings)


@router.post("/{client_id}/secrets")
async def rotate(
    request: Request,
    client_id: str,
    who: Who,
    clients: ClientService,
    clock: ServiceClock,
    settings: ServiceSettings,
    vault: ServiceVault,
    token: Token,
) -> Response:
    """Issue a new secret, shown once. The previous one stays valid for the overlap."""
    if isinstance(who, Response):
        return who
    csrf.check(request, vault, settings, who.browser, token)
    try:
        made = await clients.rotate_secret(who.actor, client_id)
    except Problem as problem:
        return page("integration_refused.html", status=problem.status, message=problem.detail, back=True)
    return _detail(who, made.client, clock, settings, secret=made.secret, message="密钥已轮换。", status=201)
