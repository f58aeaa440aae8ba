"""Proving a number by a text message from it, and choosing a captcha, for people without a session."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from identity.accounts.rules import normalise_phone
from identity.accounts.service import phone_of
from identity.codes.dependencies import ChallengeService
from identity.codes.rules import CaptchaKind
from identity.dependencies import ServiceVault
from identity.pages.dependencies import checked_return
from identity.pages.rendering import page, see_other
from identity.policies.dependencies import PolicyService
from identity.policies.service import Policies
from identity.signin.errors import TextTooLate
from identity.signin.forms import WAYS, CodeStep, Forms, Phone, ReturnTo, Token, WayName
from identity.signin.terms import unticked
from identity.signin.texting import Awaited, read, token_of, waiting_page
from servicekit.dependencies import ServiceClock
from servicekit.problems import Problem

# Below /login, like the cookie of forms of browsers without a session.
router = APIRouter(prefix="/login/text", include_in_schema=False)
captchas = APIRouter(prefix="/login/captcha", include_in_schema=False)
_HERE = "/login/text"


def _empty(policies: Policies) -> dict[str, Any]:
    """Return what the fields of the next steps show at first."""
    return {"name": "", "old_phone": "", **unticked(policies)}


@router.post("")
async def begin(
    forms: Forms,
    challenges: ChallengeService,
    policies: PolicyService,
    vault: ServiceVault,
    clock: ServiceClock,
    csrf: Token,
    way: Annotated[WayName, Form()],
    return_to: ReturnTo,
    phone: Phone = "",
) -> Response:
    """Make up what the person has to send, and lead to the page that shows it."""
    forms.check(csrf, return_to)
    chosen = WAYS[way]
    try:
        number = phone_of(phone)
        challenge = await challenges.open(number, chosen.purpose, forms.ticket)
    except Problem as problem:
        return await forms.show(
            chosen.template,
            return_to,
            phone=normalise_phone(phone) or phone,
            message=problem.detail,
            status=problem.status,
            **_empty(policies),
        )
    token = token_of(vault, clock, forms.ticket, [Awaited(number, challenge)])
    return see_other(f"{_HERE}?{urlencode({'way': way, 'return_to': return_to, 't': token})}")


@captchas.post("")
async def another_captcha(
    forms: Forms,
    policies: PolicyService,
    csrf: Token,
    way: Annotated[WayName, Form()],
    return_to: ReturnTo,
    phone: Phone = "",
    kind: Annotated[CaptchaKind, Form()] = CaptchaKind.PICTURE,
) -> Response:
    """Show the first step with another captcha, of the kind that the person has chosen."""
    forms.check(csrf, return_to)
    return await forms.another(WAYS[way].template, return_to, phone, kind, **_empty(policies))


@router.get("")
async def wait(
    forms: Forms,
    challenges: ChallengeService,
    policies: PolicyService,
    vault: ServiceVault,
    clock: ServiceClock,
    way: WayName,
    return_to: Annotated[str, Query(max_length=8000)],
    t: Annotated[str, Query(max_length=2000)],
    asked: bool = False,
    still: bool = False,
) -> Response:
    """Show what to send; once it has arrived, the step that follows a code."""
    checked_return(return_to)
    chosen = WAYS[way]
    try:
        (awaited,) = await read(vault, clock, challenges, forms.ticket, t)
    except TextTooLate as late:
        return await forms.show(
            chosen.template, return_to, message=late.detail, status=late.status, **_empty(policies)
        )
    if awaited.state == "received":
        return await forms.show(
            chosen.template,
            return_to,
            phone=awaited.phone,
            sent=CodeStep(0),
            proved=awaited.challenge.text,
            **_empty(policies),
        )
    query = {"way": way, "return_to": return_to, "t": t}
    back = f"{chosen.start}?{urlencode({'return_to': return_to})}" if chosen.returns else chosen.start
    return waiting_page(page, "login/text.html", _HERE, query, [awaited], asked=asked, still=still, back=back)
