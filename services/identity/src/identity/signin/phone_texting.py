"""Changing one's number by text messages from the new and the old one, in place of codes."""

from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from identity.accounts.rules import normalise_phone
from identity.codes.dependencies import ChallengeService
from identity.dependencies import ServiceVault
from identity.pages.dependencies import HOME_PAGE
from identity.pages.own import Own, OwnForm
from identity.pages.rendering import see_other
from identity.phones.dependencies import PhoneService
from identity.signin.errors import TextTooLate
from identity.signin.forms import Phone
from identity.signin.phone_pages import PHONE_PAGE, Proved, Steps, WithoutOld
from identity.signin.texting import Awaited, read, token_of, waiting_page
from servicekit.dependencies import ServiceClock
from servicekit.problems import Problem

router = APIRouter(prefix=f"{PHONE_PAGE}/text", include_in_schema=False)
_NEW, _OLD = "新手机号", "原手机号"


@router.post("")
async def begin(
    form: OwnForm,
    phones: PhoneService,
    challenges: ChallengeService,
    steps: Steps,
    vault: ServiceVault,
    clock: ServiceClock,
    phone: Phone = "",
    without_old: WithoutOld = False,
) -> Response:
    """Make up what the person has to send from each number, and lead to the page that shows it."""
    awaited = []
    wanted = {_NEW: phone} if without_old else {_NEW: phone, _OLD: None}
    try:
        for label, text in wanted.items():
            number, challenge = await phones.open_challenge(
                challenges, form.account.id, text, ticket=steps.ticket
            )
            awaited.append(Awaited(number, challenge, label, masked=label == _OLD))
    except Problem as problem:
        return await steps.show(
            form, phones, phone=normalise_phone(phone) or phone, without_old=without_old, problem=problem
        )
    token = token_of(vault, clock, steps.ticket, awaited)
    return see_other(f"{PHONE_PAGE}/text?{urlencode({'t': token})}")


@router.get("")
async def wait(
    own: Own,
    phones: PhoneService,
    challenges: ChallengeService,
    steps: Steps,
    vault: ServiceVault,
    clock: ServiceClock,
    t: Annotated[str, Query(max_length=2000)],
    asked: bool = False,
    still: bool = False,
) -> Response:
    """Show what to send; once all has arrived, the step that follows the codes."""
    try:
        awaited = {one.label: one for one in await read(vault, clock, challenges, steps.ticket, t)}
    except TextTooLate as late:
        return await steps.show(own, phones, problem=late)
    new, old = awaited[_NEW], awaited.get(_OLD)
    if all(one.state == "received" for one in awaited.values()):
        proved = Proved(new.challenge.text, "" if old is None else old.challenge.text)
        return await steps.show(
            own, phones, phone=new.phone, sent=True, without_old=old is None, proved=proved
        )
    return waiting_page(
        partial(own.show, here=HOME_PAGE),
        "account/phone_text.html",
        f"{PHONE_PAGE}/text",
        {"t": t},
        list(awaited.values()),
        asked=asked,
        still=still,
        back=PHONE_PAGE,
    )
