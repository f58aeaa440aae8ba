"""Pages for integrators: register and manage the clients of the own unit without the API."""

import secrets
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from contracts.vocabulary import AccountStatus, Level, Role, UnitStatus
from identity.clients.dependencies import ClientService, ClientStateService
from identity.clients.errors import InvalidClientMetadata
from identity.clients.kinds import DisabledBy
from identity.clients.models import Client
from identity.clients.registrars import Registrar
from identity.clients.rules import Metadata
from identity.clients.service import Registered
from identity.clients.shown import begun_at, secret_id
from identity.dependencies import ServiceSettings
from identity.integrations.forms import (
    ALGORITHMS,
    METHODS,
    MOST,
    MOST_KEYS,
    Registration,
    RegistrationForm,
    origins_of,
)
from identity.integrations.messages import message_of
from identity.memberships.dependencies import MembershipService
from identity.memberships.service import Memberships
from identity.pages.dependencies import INTEGRATIONS_PAGE
from identity.pages.own import Own, OwnForm, OwnPages
from identity.platform.dependencies import PlatformService
from identity.platform.service import Platform
from identity.units.models import Unit
from servicekit.dependencies import ServiceClock
from servicekit.etags import SeenVersions
from servicekit.problems import Problem

router = APIRouter(prefix=INTEGRATIONS_PAGE, include_in_schema=False)

_SHOWN = 100
BROWSER: Final = "browser"
_METHODS = {
    "client_secret_basic": "密钥（服务器端系统）",
    BROWSER: "无密钥，仅 PKCE（在浏览器中运行的应用）",
    "none": "无密钥，仅 PKCE（手机或桌面应用）",
}
"""Of a new registration; the page of a client has them all."""
Text = Annotated[str, Form(max_length=4000)]


class Integrator:
    """The signed-in administrator, their unit, and their pages."""

    def __init__(self, own: OwnPages, unit: Unit) -> None:
        self.own = own
        self.unit = unit
        self.actor = Registrar(str(own.account.id), unit.path, unit.level == Level.MINISTRY, unit.id)


async def _administrator(
    own: OwnPages, memberships: Memberships, platform: Platform
) -> Integrator | Response:
    profile = await memberships.profile(own.account.id, own.browser.acting_membership_id)
    membership, unit = profile.membership, profile.unit
    if (
        profile.account.status != AccountStatus.ACTIVE
        or membership is None
        or unit is None
        or unit.status != UnitStatus.ACTIVE
        or Role.UNIT_ADMIN not in membership.roles
    ):
        # Without the link back, which leads here again.
        return own.show(
            "integrations/refused.html",
            status=403,
            message="只有单位管理员可以登记和管理接入系统。",
            back=False,
            platform=await platform.role_of(own.account.id),
        )
    return Integrator(own, unit)


async def _reader(
    own: Own, memberships: MembershipService, platform: PlatformService
) -> Integrator | Response:
    return await _administrator(own, memberships, platform)


async def _sender(
    form: OwnForm, memberships: MembershipService, platform: PlatformService
) -> Integrator | Response:
    return await _administrator(form, memberships, platform)


Who = Annotated[Integrator | Response, Depends(_reader)]
Sender = Annotated[Integrator | Response, Depends(_sender)]
"""The same for a form."""


async def _overview(
    who: Integrator,
    clients: ClientService,
    *,
    message: str = "",
    status: int = 200,
    form: dict[str, str] | None = None,
) -> Response:
    return who.own.show(
        "integrations/all.html",
        status=status,
        unit=who.unit.name,
        clients=await clients.of_unit(who.unit.id, _SHOWN),
        message=message,
        methods=_METHODS,
        most=MOST,
        form={"client_name": "", "redirect_uri": "", "contact": "", "method": "client_secret_basic"}
        | (form or {}),
    )


async def _detail(
    who: Integrator,
    client: Client,
    clients: ClientService,
    states: ClientStateService,
    clock: ServiceClock,
    settings: ServiceSettings,
    *,
    secret: str = "",
    form: Registration | None = None,
    seen: str = "",
    message: str = "",
    status: int = 200,
) -> Response:
    now = clock.now()
    names = await clients.owners([client.owner_unit_id, client.disabled_by_unit_id])
    return who.own.show(
        "integrations/one.html",
        status=status,
        here=INTEGRATIONS_PAGE,
        scripts=bool(secret),
        form=form or Registration.of(client),
        # Of somebody who has not seen the present registration, the next attempt fails, too.
        version=seen or client.version,
        message=message,
        methods=METHODS,
        algorithms=ALGORITHMS,
        most=MOST,
        most_keys=MOST_KEYS,
        client=client,
        unit=names.get(client.owner_unit_id, ""),
        disabled_by=_disabled_by(client, names),
        may_enable=await states.may_enable(who.actor, client),
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
    )


def _disabled_by(client: Client, names: dict[UUID | None, str]) -> str:
    """Return who disabled the client, in the middle of a sentence; empty if nobody knows."""
    match client.disabled_by:
        case DisabledBy.CENTRE:
            return "由全国中心"
        case DisabledBy.CLOSING:
            return "随所属单位撤销"
        case DisabledBy.UNIT if client.disabled_by_unit_id in names:
            return f"由{names[client.disabled_by_unit_id]}"
        case _:
            return ""


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
    return None if uri is None else begun_at(uri, settings.issuer_url)


@router.get("")
async def overview(who: Who, clients: ClientService) -> Response:
    """Show the unit's clients and the form to register one."""
    return who if isinstance(who, Response) else await _overview(who, clients)


@router.post("")
async def register(
    who: Sender,
    clients: ClientService,
    client_name: Text = "",
    redirect_uri: Annotated[str, Form(max_length=MOST)] = "",
    contact: Text = "",
    method: Text = "client_secret_basic",
) -> Response:
    """Register a client, and lead to its page, which shows the secret once."""
    if isinstance(who, Response):
        return who
    form = {"client_name": client_name, "redirect_uri": redirect_uri, "contact": contact, "method": method}
    if not 1 <= len(client_name.strip()) <= 100:
        return await _overview(who, clients, message="请填写系统名称，不超过 100 字。", status=400, form=form)
    uris = redirect_uri.split()
    metadata = Metadata(
        client_name=client_name.strip(),
        redirect_uris=uris,
        allowed_origins=origins_of(uris) if method == BROWSER else [],
        contacts=[contact.strip()] if contact.strip() else [],
        token_endpoint_auth_method="none" if method in (BROWSER, "none") else "client_secret_basic",
        application_type="native" if method == "none" else "web",
    )
    try:
        made = await clients.create(who.actor, who.unit.id, metadata)
    except Problem as problem:
        message = message_of(problem)
        return await _overview(who, clients, message=message, status=problem.status, form=form)
    return _made(who, made, "系统已登记。")


@router.get("/{client_id}")
async def detail(
    client_id: str,
    who: Who,
    clients: ClientService,
    states: ClientStateService,
    clock: ServiceClock,
    settings: ServiceSettings,
) -> Response:
    """Show one client: its settings, its secrets, and a link that tests the sign-in; a new secret once."""
    if isinstance(who, Response):
        return who
    try:
        client = await clients.get(who.actor, client_id)
    except Problem as problem:
        return _refused(who, problem)
    return await _detail(who, client, clients, states, clock, settings, secret=who.own.taken("secret"))


@router.post("/{client_id}/secrets")
async def rotate(client_id: str, who: Sender, clients: ClientService) -> Response:
    """Issue a new secret, shown once. The previous one stays valid for the overlap."""
    if isinstance(who, Response):
        return who
    try:
        made = await clients.rotate_secret(who.actor, client_id)
    except Problem as problem:
        return _refused(who, problem)
    return _made(who, made, "密钥已更换。")


@router.post("/{client_id}")
async def change(
    client_id: str,
    who: Sender,
    clients: ClientService,
    states: ClientStateService,
    clock: ServiceClock,
    settings: ServiceSettings,
    form: RegistrationForm,
    version: Text = "",
) -> Response:
    """Replace the registration, or propose that to the centre where its rules ask for it."""
    if isinstance(who, Response):
        return who
    try:
        client = await clients.get(who.actor, client_id)
    except Problem as problem:
        return _refused(who, problem)
    try:
        if not 1 <= len(form.client_name.strip()) <= 100:
            raise InvalidClientMetadata("client_name: 1 to 100 characters.")
        seen = SeenVersions(frozenset({f'"{version}"'}))
        made = await clients.update(who.actor, client_id, form.metadata(client), seen)
    except Problem as problem:
        message = message_of(problem)
        return await _detail(
            who,
            client,
            clients,
            states,
            clock,
            settings,
            form=form,
            seen=version,
            message=message,
            status=problem.status,
        )
    waits = made.client.proposed is not None
    return _made(who, made, "修改已提出，待全国中心批准。" if waits else "登记信息已修改。")


@router.post("/{client_id}/disable")
async def disable(client_id: str, who: Sender, states: ClientStateService, reason: Text = "") -> Response:
    """Disable the client, with all that it was granted."""
    if isinstance(who, Response):
        return who
    page = f"{INTEGRATIONS_PAGE}/{client_id}"
    if not 1 <= len(reason.strip()) <= 200:
        return who.own.refuse(page, InvalidClientMetadata("请填写停用原因，不超过 200 字。"))
    try:
        await states.disable(who.actor, client_id, reason.strip())
    except Problem as problem:
        return _refused(who, problem)
    return who.own.go(page, "系统已停用。")


@router.post("/{client_id}/enable")
async def enable(client_id: str, who: Sender, states: ClientStateService) -> Response:
    """Enable a disabled client; people give their consent anew."""
    if isinstance(who, Response):
        return who
    try:
        await states.enable(who.actor, client_id)
    except Problem as problem:
        return _refused(who, problem)
    return who.own.go(f"{INTEGRATIONS_PAGE}/{client_id}", "系统已恢复。")


@router.post("/{client_id}/delete")
async def delete(
    client_id: str, who: Sender, clients: ClientService, states: ClientStateService, confirmed: Text = ""
) -> Response:
    """Delete the client for good, after its name has been typed."""
    if isinstance(who, Response):
        return who
    try:
        client = await clients.get(who.actor, client_id)
        if confirmed.strip() != client.client_name:
            page = f"{INTEGRATIONS_PAGE}/{client_id}"
            return who.own.refuse(page, InvalidClientMetadata("系统名称不符，没有删除。"))
        await states.delete(who.actor, client_id)
    except Problem as problem:
        return _refused(who, problem)
    return who.own.go(INTEGRATIONS_PAGE, "系统已删除。")


def _made(who: Integrator, made: Registered, notice: str) -> Response:
    page = f"{INTEGRATIONS_PAGE}/{made.client.client_id}"
    return who.own.go(page, notice, secret=made.secret or "")


def _refused(who: Integrator, problem: Problem) -> Response:
    return who.own.show("integrations/refused.html", status=problem.status, message=problem.detail, back=True)
