"""The person's account page: sessions and consents. Works without JavaScript."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from identity.accounts.dependencies import AccountService
from identity.consents.dependencies import ConsentService
from identity.consents.service import words
from identity.dependencies import ServiceSettings, ServiceVault
from identity.oauth.logout.frontchannel import logged_out
from identity.pages import csrf
from identity.pages.dependencies import HOME_PAGE, OWN_PAGE, Browser, without_session
from identity.pages.rendering import page
from identity.sessions.dependencies import SessionService

router = APIRouter(include_in_schema=False)
Token = Annotated[str, Form(max_length=128, alias="csrf")]


@router.get("/")
async def home() -> Response:
    """Lead somebody who typed the issuer's address to their account."""
    return RedirectResponse(HOME_PAGE, 303, {"Cache-Control": "no-store"})


@router.get(HOME_PAGE)
async def account() -> Response:
    """Lead to the account's first page."""
    return RedirectResponse(OWN_PAGE, 303, {"Cache-Control": "no-store"})


@router.get(OWN_PAGE)
async def own_sessions(
    browser: Browser,
    accounts: AccountService,
    sessions: SessionService,
    consents: ConsentService,
    vault: ServiceVault,
) -> Response:
    """Show sessions, with the current one marked, and consents."""
    if browser is None:
        return RedirectResponse(
            "/login?" + urlencode({"return_to": OWN_PAGE}), 303, {"Cache-Control": "no-store"}
        )
    account = await accounts.get(browser.account_id)
    rows = await sessions.live(account.id)
    allowed = await consents.of(account.id)
    return page(
        "account.html",
        name=account.name,
        csrf=csrf.token_of(vault, browser),
        sessions=[
            {
                "id": row.id,
                "since": row.authenticated_at,
                "seen": row.last_seen_at,
                "current": row.id == browser.id,
            }
            for row in rows
        ],
        consents=[
            {
                "client_id": client.client_id,
                "name": client.client_name,
                "since": consent.granted_at,
                "words": words(consent.scopes),
            }
            for consent, client in allowed
        ],
    )


@router.post(f"{OWN_PAGE}/end")
async def end_one(
    request: Request,
    sessions: SessionService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    token: Token,
    sid: Annotated[UUID, Form()],
) -> Response:
    """End one of the person's own sessions; ending the current one signs out."""
    mine = csrf.check(request, vault, settings, browser, token)
    row = await sessions.lock(sid)
    if row is None or row.account_id != mine.account_id:
        return _back()
    clients = await sessions.clients(row)
    await sessions.end(row, "ended by the person")
    if row.id != mine.id:
        return _back()
    return without_session(logged_out(settings.issuer_url, row.id, clients, None), settings)


@router.post(f"{OWN_PAGE}/end-others")
async def end_others(
    request: Request,
    sessions: SessionService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    token: Token,
) -> Response:
    """End all sessions except the current one."""
    mine = csrf.check(request, vault, settings, browser, token)
    await sessions.end_others(mine, "ended by the person")
    return _back()


@router.post(f"{OWN_PAGE}/withdraw")
async def withdraw(
    request: Request,
    consents: ConsentService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    token: Token,
    client_id: Annotated[str, Form(max_length=200)],
) -> Response:
    """Withdraw a consent and revoke the client's tokens."""
    mine = csrf.check(request, vault, settings, browser, token)
    await consents.withdraw(mine.account_id, client_id)
    return _back()


def _back() -> Response:
    return RedirectResponse(OWN_PAGE, 303, {"Cache-Control": "no-store"})
