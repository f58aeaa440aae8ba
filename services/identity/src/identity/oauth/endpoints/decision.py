"""Decisions of the person during `/authorize`: consent, choice of account, decline of the step-up."""

from dataclasses import replace
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from identity.dependencies import ServiceSettings, ServiceVault
from identity.oauth.authorization.interaction import pairs_of
from identity.oauth.dependencies import BrowserInteractions, OAuthService
from identity.pages import csrf
from identity.pages.dependencies import Browser, checked_return
from identity.pages.rendering import see_other

router = APIRouter(include_in_schema=False)


@router.post("/authorize/decision")
async def decide(
    request: Request,
    issuer: OAuthService,
    flow: BrowserInteractions,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    return_to: Annotated[str, Form(max_length=8000)],
    token: Annotated[str, Form(max_length=128, alias="csrf")],
    decision: Annotated[Literal["allow", "deny", "continue", "other", "no_step_up"], Form()],
) -> Response:
    """Store the decision and redirect to `/authorize`, which checks the request again and responds to the
    client.
    """
    mine = csrf.check(request, vault, settings, browser, token)
    sent, marker = flow.read(pairs_of(checked_return(return_to)))
    if marker is None:
        # Expired, or of another browser: start again.
        return _back(return_to)
    account = str(mine.account_id)
    if decision == "other":
        return _back(flow.url(sent, replace(flow.begin(sent, mine), origin=marker.origin)), sign_in=True)
    if decision == "deny":
        return _back(flow.url(sent, marker, denied=True))
    if decision == "no_step_up":
        return _back(flow.url(sent, marker, no_step_up=True))
    if decision == "continue":
        return _back(flow.url(sent, marker, chosen=account))
    await issuer.allow(sent, mine, marker)
    return _back(flow.url(sent, marker, consented=account))


def _back(url: str, *, sign_in: bool = False) -> Response:
    target = "/login?" + urlencode({"return_to": url}) if sign_in else url
    return see_other(target)
