"""Verification page of the device flow: the person enters the code that a device shows (RFC 8628 §3.3)."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from identity.accounts.dependencies import AccountService
from identity.accounts.models import Account
from identity.clients.dependencies import ClientService
from identity.clients.shown import SystemName
from identity.consents.service import words
from identity.dependencies import ServiceSettings, ServiceVault
from identity.oauth.device import rules
from identity.oauth.device.dependencies import DeviceService
from identity.oauth.device.errors import UserCodeRefusal
from identity.oauth.device.models import DeviceCode
from identity.oauth.device.service import FurtherSignIn, WallUnit
from identity.pages import csrf
from identity.pages.dependencies import AGREE_PAGE, DEVICE_PAGE, Browser
from identity.pages.rendering import page, see_other
from identity.policies.dependencies import PolicyService
from identity.sessions.models import BrowserSession
from identity.vault import Vault

router = APIRouter(include_in_schema=False)
Token = Annotated[str, Form(max_length=128, alias="csrf")]
Code = Annotated[str, Form(max_length=40)]
_NAME_REFUSED = f"请填写大屏名称，不超过 {rules.WALL_NAME} 个字，不含特殊字符。"
_STATUSES = {UserCodeRefusal.TOO_MANY: 429, UserCodeRefusal.NO_COCKPIT: 403}


@router.get(DEVICE_PAGE)
async def enter(
    browser: Browser,
    vault: ServiceVault,
    policies: PolicyService,
    user_code: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show the form for the code. A code in the URL only prefills it; the person compares and submits it
    (§3.3.1).
    """
    code = rules.normal(user_code)
    back = DEVICE_PAGE + ("" if code is None else "?" + urlencode({"user_code": rules.shown(code)}))
    if browser is None:
        return see_other("/login?" + urlencode({"return_to": back}))
    if await policies.missing(browser.account_id):
        return see_other(f"{AGREE_PAGE}?" + urlencode({"return_to": back}))
    return _form(vault, browser, "" if code is None else rules.shown(code), given=code is not None)


@router.post(DEVICE_PAGE)
async def show(
    request: Request,
    devices: DeviceService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    clients: ClientService,
    accounts: AccountService,
    token: Token,
    user_code: Code = "",
) -> Response:
    """Show client and scopes, and warn about codes sent by others (§5.4)."""
    mine = csrf.check(request, vault, settings, browser, token)
    found = await devices.find(mine, user_code)
    if isinstance(found, UserCodeRefusal):
        return _refused(found, vault, mine, user_code)
    row, client = found
    wall = await devices.wall(row, mine)
    if isinstance(wall, UserCodeRefusal):
        return _refused(wall, vault, mine, user_code)
    system = (await clients.names([client.client_id])).get(client.client_id)
    person = await accounts.get(mine.account_id)
    return _question(row, system, person, vault, mine, rules.normal(user_code) or "", wall)


@router.post(f"{DEVICE_PAGE}/decision")
async def decide(
    request: Request,
    devices: DeviceService,
    browser: Browser,
    vault: ServiceVault,
    policies: PolicyService,
    settings: ServiceSettings,
    clients: ClientService,
    accounts: AccountService,
    token: Token,
    user_code: Code,
    decision: Annotated[Literal["allow", "deny"], Form()],
    wall_name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Approve or deny the device. After a required step-up, the person returns to the code."""
    mine = csrf.check(request, vault, settings, browser, token)
    found = await devices.find(mine, user_code)
    if isinstance(found, UserCodeRefusal):
        return _refused(found, vault, mine, user_code)
    row, client = found
    if decision == "deny":
        devices.deny(row, mine)
    elif await policies.missing(mine.account_id):
        # A new version since the page with the code was shown.
        return see_other(f"{AGREE_PAGE}?" + urlencode(_back(rules.normal(user_code) or "")))
    elif (further := devices.further_sign_in(row, client, mine)) is not None:
        return _further(further, rules.normal(user_code) or "")
    else:
        wall, named = await devices.wall(row, mine), rules.wall_name(wall_name)
        if isinstance(wall, UserCodeRefusal):
            return _refused(wall, vault, mine, user_code)
        if wall is not None and named is None:
            system = (await clients.names([client.client_id])).get(client.client_id)
            person = await accounts.get(mine.account_id)
            return _question(row, system, person, vault, mine, rules.normal(user_code) or "", wall, wall_name)
        await devices.allow(row, client, mine, None if wall is None or named is None else (wall, named))
    return page("oauth/device_done.html", name=client.client_name, allowed=decision == "allow")


def _back(user_code: str) -> dict[str, str]:
    return {"return_to": f"{DEVICE_PAGE}?{urlencode({'user_code': rules.shown(user_code)})}"}


def _further(further: FurtherSignIn, user_code: str) -> Response:
    back = _back(user_code)
    if further.acr is None:
        return see_other("/login?" + urlencode(back))
    return see_other("/login/step-up?" + urlencode(back | {"acr": further.acr}))


def _form(
    vault: Vault,
    browser: BrowserSession,
    user_code: str,
    *,
    given: bool = False,
    message: str = "",
    status: int = 200,
) -> Response:
    return page(
        "oauth/device.html",
        status=status,
        csrf=csrf.token_of(vault, browser),
        user_code=user_code,
        given=given,
        message=message,
    )


def _refused(why: UserCodeRefusal, vault: Vault, browser: BrowserSession, typed: str) -> Response:
    return _form(vault, browser, typed, message=why.value, status=_STATUSES.get(why, 400))


def _question(
    row: DeviceCode,
    system: SystemName | None,
    person: Account,
    vault: Vault,
    browser: BrowserSession,
    user_code: str,
    wall: WallUnit | None,
    refused_name: str | None = None,
) -> Response:
    scopes = row.scope.split()
    message = "" if refused_name is None else _NAME_REFUSED
    return page(
        "oauth/device_confirm.html",
        status=400 if message else 200,
        wall=None if wall is None else wall.name,
        message=message,
        wall_name=refused_name or "",
        name="" if system is None else system.name,
        owner="" if system is None else system.owner,
        person=person,
        words=words(scopes),
        offline="offline_access" in scopes,
        user_code=rules.shown(user_code),
        since=row.issued_at,
        csrf=csrf.token_of(vault, browser),
    )
