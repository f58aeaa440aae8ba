"""OpenID Connect RP-Initiated Logout 1.0: the end session endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session as SyncSession

from identity.clients.models import Client
from identity.dependencies import Clock, Settings, Vault
from identity.oauth.endpoints.forms import form_pairs
from identity.oauth.logout.frontchannel import logged_out
from identity.oauth.state.context import Context, Parts
from identity.oauth.tokens import id_token_hint
from identity.oauth.tokens.id_token_hint import Hint
from identity.pages import csrf
from identity.pages.dependencies import Browser, cookie_name, is_secure
from identity.pages.rendering import error_page, origin_of, page
from identity.sessions.models import BrowserSession
from identity.sessions.service import Sessions
from identity.settings import Settings as SettingsModel
from identity.vault import Vault as VaultType
from servicekit.clock import Clock as ClockProtocol
from servicekit.db import Session

router = APIRouter(tags=["OpenID Connect"])
_KNOWN = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales")


@dataclass(frozen=True)
class Asked:
    """A logout request, checked. `uri` is registered for `client`."""

    hint: Hint | None = None
    client: Client | None = None
    uri: str | None = None
    state: str | None = None
    fault: str | None = None
    """Why the request cannot be honoured; then nothing else is set and nothing is done (§4)."""

    @property
    def onward(self) -> str | None:
        """Where the browser goes afterwards."""
        if self.uri is None:
            return None
        return add_params_to_uri(self.uri, [("state", self.state)]) if self.state else self.uri

    def parameters(self) -> list[tuple[str, str]]:
        """What the confirmation form brings back; checked again then."""
        pairs = [
            ("client_id", None if self.client is None else self.client.client_id),
            ("post_logout_redirect_uri", self.uri),
            ("state", self.state if self.uri else None),
        ]
        return [(name, value) for name, value in pairs if value]


async def _parse(session: AsyncSession, parts: Parts, pairs: Sequence[tuple[str, str]]) -> Asked:
    named = [(name, value) for name, value in pairs if name in _KNOWN and value]
    given = dict(named)
    if len(given) != len(named):
        return Asked(fault="A parameter is repeated.")

    def run(sync: SyncSession) -> Asked:
        context = Context(sync, parts)
        hint = None
        if "id_token_hint" in given:
            hint = id_token_hint.read(context, given["id_token_hint"])
            if hint is None:
                return Asked(fault="The id_token_hint is not valid.")
        client_id = given.get("client_id")
        if hint is not None and client_id is not None and client_id not in hint.audience:
            return Asked(fault="The id_token_hint was issued to another client.")
        if client_id is None and hint is not None:
            client_id = hint.audience[0]
        client = None if client_id is None else context.client(client_id)
        if client_id is not None and client is None:
            return Asked(fault="The client is not known.")
        uri = given.get("post_logout_redirect_uri")
        if client is None:
            # Nobody to vouch for the URI: sign out, and stay here.
            uri = None
        elif uri is not None and uri not in client.post_logout_redirect_uris:
            return Asked(fault="The post_logout_redirect_uri is not registered.")
        return Asked(hint, client, uri, given.get("state"))

    return await session.run_sync(run)


@router.get("/end_session", summary="退出登录", response_class=RedirectResponse)
async def end_session(
    request: Request, session: Session, browser: Browser, vault: Vault, clock: Clock, settings: Settings
) -> Response:
    """Signs out at once for a valid `id_token_hint` of this session, asks the person otherwise (§2)."""
    return await _answer(
        request, session, browser, vault, clock, settings, list(request.query_params.multi_items())
    )


@router.post("/end_session", summary="退出登录（表单）", response_class=RedirectResponse)
async def end_session_by_post(
    request: Request, session: Session, browser: Browser, vault: Vault, clock: Clock, settings: Settings
) -> Response:
    """The same with parameters in the body (§2)."""
    return await _answer(request, session, browser, vault, clock, settings, await form_pairs(request))


@router.post("/end_session/confirm", include_in_schema=False)
async def confirm(
    request: Request,
    session: Session,
    browser: Browser,
    vault: Vault,
    clock: Clock,
    settings: Settings,
    token: Annotated[str, Form(max_length=128, alias="csrf")],
) -> Response:
    """The person has said yes."""
    mine = csrf.check(request, vault, settings, browser, token)
    form = await request.form()
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    asked = await _parse(session, request.app.state.parts, pairs)
    if asked.fault is not None:
        return error_page("invalid_request", asked.fault, title="无法退出")
    sessions = Sessions(session, clock, settings)
    return await _sign_out(sessions, settings, await sessions.lock(mine.id), asked)


async def _answer(
    request: Request,
    session: AsyncSession,
    browser: BrowserSession | None,
    vault: VaultType,
    clock: ClockProtocol,
    settings: SettingsModel,
    pairs: list[tuple[str, str]],
) -> Response:
    asked = await _parse(session, request.app.state.parts, pairs)
    if asked.fault is not None:
        return error_page("invalid_request", asked.fault, title="无法退出")
    sessions = Sessions(session, clock, settings)
    sid = None if asked.hint is None else asked.hint.sid
    if sid is not None and (browser is None or browser.id == sid):
        # The token says which session, also where a form of another site comes without our cookie.
        return await _sign_out(sessions, settings, await sessions.lock(sid), asked)
    if browser is None and request.method == "POST":
        return RedirectResponse("/end_session?" + urlencode(pairs), 303, {"Cache-Control": "no-store"})
    if browser is None:
        return await _sign_out(sessions, settings, None, asked)
    return page(
        "end_session.html",
        form_action=origin_of(asked.uri or ""),
        client_name=None if asked.client is None else asked.client.client_name,
        csrf=csrf.token_of(vault, browser),
        parameters=asked.parameters(),
    )


async def _sign_out(
    sessions: Sessions, settings: SettingsModel, row: BrowserSession | None, asked: Asked
) -> Response:
    clients: Sequence[Client] = []
    if row is not None:
        clients = await sessions.clients(row)
        await sessions.end(row, "signed out")
    response = logged_out(settings.issuer_url, None if row is None else row.id, clients, asked.onward)
    return without_cookie(response, settings)


def without_cookie(response: Response, settings: SettingsModel) -> Response:
    """The response, forgetting the browser's session."""
    secure = is_secure(settings)
    response.delete_cookie(cookie_name(secure), path="/", secure=secure, httponly=True, samesite="lax")
    return response
