"""The person's account pages: overview, signed-in browsers, systems they allowed. Work without JavaScript."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from contracts.vocabulary import Role
from identity.authenticators.dependencies import AuthenticatorService
from identity.clients.dependencies import ClientService
from identity.consents.dependencies import ConsentService
from identity.consents.service import words
from identity.dependencies import ServiceSettings
from identity.memberships.dependencies import MembershipService
from identity.oauth.logout.frontchannel import logged_out
from identity.pages.dependencies import HOME_PAGE, OWN_PAGE, without_session
from identity.pages.own import OpenOwnForm, Own, OwnForm
from identity.pages.rendering import see_other
from identity.platform.dependencies import PlatformService
from identity.roles.dependencies import RoleService
from identity.sessions.dependencies import SessionService
from identity.sessions.models import BrowserSession
from identity.sessions.rules import SignInMeans
from identity.sessions.service import Sessions
from identity.settings import Settings
from servicekit.paging import PageRequest, encode

router = APIRouter(include_in_schema=False)
CONSENTS_PAGE = "/account/authorisations"
HISTORY_PAGE = "/account/history"
MEANS = {one.value: one.label for one in SignInMeans}
_SIGN_INS = 20
_LATEST = 10
_BY_PERSON = "ended by the person"


@router.get("/")
async def start() -> Response:
    """Lead somebody who typed the issuer's address to their account."""
    return see_other(HOME_PAGE)


@router.get(HOME_PAGE)
async def home(
    own: Own,
    memberships: MembershipService,
    names: RoleService,
    platform: PlatformService,
    sessions: SessionService,
    authenticators: AuthenticatorService,
) -> Response:
    """Show who the person is, and when they signed in before this time."""
    profile = await memberships.profile(own.account.id, own.browser.acting_membership_id)
    roles = [] if profile.membership is None else profile.membership.roles
    (named,) = await names.named(roles)
    role = await platform.role_of(own.account.id)
    latest = (await sessions.sign_ins(own.account.id, PageRequest(_LATEST + 1))).items
    return own.show(
        "account/home.html",
        platform=role,
        # Without one, an administrator of the platform can change nothing.
        weak=role is not None and not (await authenticators.overview(own.account.id)).strong,
        # After this one.
        last=next(iter([one for one in latest if not one.refused][1:]), None),
        account=own.account,
        unit=profile.unit,
        roles=named,
        admin=Role.UNIT_ADMIN in roles,
    )


@router.post(f"{HOME_PAGE}/sign-out")
async def sign_out(form: OpenOwnForm, sessions: SessionService, settings: ServiceSettings) -> Response:
    """End the session of this browser."""
    row = await sessions.lock(form.browser.id)
    return await _signed_out(sessions, settings, row or form.browser)


@router.get(OWN_PAGE)
async def own_sessions(own: Own, sessions: SessionService) -> Response:
    """Show the signed-in browsers, with the current one marked."""
    rows = await sessions.live(own.account.id)
    return own.show(
        "account/sessions.html",
        sessions=[
            {
                "id": row.id,
                "device": row.device,
                "address": row.address_masked,
                "place": row.place,
                "since": row.authenticated_at,
                "seen": row.last_seen_at,
                "current": row.id == own.browser.id,
            }
            for row in rows
        ],
    )


@router.post(f"{OWN_PAGE}/end")
async def end_one(
    form: OwnForm, sessions: SessionService, settings: ServiceSettings, sid: Annotated[UUID, Form()]
) -> Response:
    """End one of the person's own sessions; ending the current one signs out."""
    row = await sessions.lock(sid)
    if row is None or row.account_id != form.account.id:
        return form.go(OWN_PAGE)
    if row.id == form.browser.id:
        return await _signed_out(sessions, settings, row)
    await sessions.end(row, _BY_PERSON)
    return form.go(OWN_PAGE, "已结束该登录。")


@router.get(f"{OWN_PAGE}/end-others")
async def ask_to_end_others(own: Own, sessions: SessionService) -> Response:
    """Ask before ending all other sessions."""
    others = len(await sessions.live(own.account.id)) - 1
    if others < 1:
        return own.go(OWN_PAGE)
    return own.show("account/end_others.html", here=OWN_PAGE, others=others)


@router.post(f"{OWN_PAGE}/end-others")
async def end_others(form: OwnForm, sessions: SessionService) -> Response:
    """End all sessions except the current one."""
    await sessions.end_others(form.browser, _BY_PERSON)
    return form.go(OWN_PAGE, "已结束其他登录。")


@router.get(HISTORY_PAGE)
async def own_history(
    own: Own, sessions: SessionService, before: Annotated[UUID | None, Query()] = None
) -> Response:
    """Show the person's sign-ins, latest first, a page at a time."""
    paging = PageRequest(_SIGN_INS, None if before is None else encode([before]))
    found = await sessions.sign_ins(own.account.id, paging)
    return own.show(
        "account/history.html",
        sign_ins=found.items,
        words=MEANS,
        before=found.items[-1].id if found.next is not None else None,
    )


@router.get(CONSENTS_PAGE)
async def own_consents(own: Own, consents: ConsentService, clients: ClientService) -> Response:
    """Show the systems that the person allowed to read their data."""
    allowed = await consents.of(own.account.id)
    names = await clients.names([client.client_id for _, client in allowed])
    return own.show(
        "account/authorisations.html",
        consents=[
            {
                "client_id": client.client_id,
                "name": client.client_name,
                "owner": names[client.client_id].owner if client.client_id in names else "",
                "since": consent.granted_at,
                "words": words(consent.scopes),
            }
            for consent, client in allowed
        ],
    )


@router.post(f"{CONSENTS_PAGE}/withdraw")
async def withdraw(
    form: OwnForm, consents: ConsentService, client_id: Annotated[str, Form(max_length=200)]
) -> Response:
    """Withdraw a consent and revoke the client's tokens."""
    withdrawn = await consents.withdraw(form.account.id, client_id)
    return form.go(CONSENTS_PAGE, "已撤回授权。" if withdrawn else "")


async def _signed_out(sessions: Sessions, settings: Settings, row: BrowserSession) -> Response:
    clients = await sessions.clients(row)
    await sessions.end(row, _BY_PERSON)
    return without_session(logged_out(settings.issuer_url, row.id, clients, None), settings)
